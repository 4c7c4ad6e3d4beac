"""The ledger's answer to identity: whether a citizen lets a public service have what it asks."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from consent.attributes import catalogue, values
from consent.attributes.envelopes import Value
from consent.ledger import asking
from consent.ledger.asking import Item
from consent.procedures.catalogue import Basis, Procedure, procedure
from identity.entry import NOBODY
from identity.errors import Refusal
from identity.provider.approval import (
    Approved,
    Ask,
    Asked,
    Detail,
    Refused,
    StepUp,
    Verdict,
)
from identity.public_services import registered
from identity.together import Answer, Clause

# Claims of OIDC Core §5.1 whose values stand here; the others are identity's own.
CLAIMS: Mapping[str, str] = {
    "email": "contact_email",
    "phone_number": "contact_phone",
    "address": "permanent_address",
}


class MayNotAsk(Refusal):
    """No citizen should be asked this by this public service (RFC 9396 §5)."""

    code, slug = "invalid_authorization_details", "may-not-ask"
    title = "This public service may not ask for this"


class Ledger:
    """What consent offers to identity (`identity.provider.approval.Approval`)."""

    def check(  # noqa: PLR0917 - as identity asks it
        self, details: Iterable[Detail], scopes: frozenset[str], of: frozenset[str]
    ) -> None:
        """Every procedure is known, this service's, and asked within its own lists.

        Raises:
            MayNotAsk: it is not.
            Refusal: the procedure or an attribute is in no catalogue.
        """
        _ = scopes  # each of them may be asked; what a service registered, identity has checked
        for detail in details:
            _check(detail, procedure(detail.procedure), of=of)

    def review(self, asked: Asked) -> Verdict:
        """Whether everything asked is decided, or what has to happen first.

        Raises:
            Refused: the citizen said no, and nothing else was asked.
            MayNotAsk: the service keeps the attribute's register itself.
        """
        items = asking.items(asked.details, asked.scopes)
        _refuse_own_registers(items, asked.public_service_id)
        outcome = _own(asked)
        if outcome is not None:
            return _decided(items, outcome)
        needed = _step_up(asked, items)
        if needed is not None:
            return needed
        plan = asking.plan(
            asked.citizen_id, asked.public_service_id, asked=items, must_ask=asked.must_ask
        )
        if plan.open:
            return Ask("/consent" if asked.request_id is None else f"/consent/{asked.request_id}")
        return Approved(None, plan.taken)

    def userinfo(self, claims: frozenset[str]) -> tuple[Clause, ...]:
        """The clause `vals` over the statement's own parameter `citizen`, where it is needed."""
        names = [name for claim, name in CLAIMS.items() if claim in claims]
        if not names:
            return ()
        clause = values.clause(names, NOBODY)
        params = {k: v for k, v in clause.params.items() if k != "vals_citizen"}
        whose = {
            kind: getattr(clause, kind).replace(":vals_citizen", ":citizen")
            for kind in ("postgres", "sqlite")
        }
        return (replace(clause, params=params, **whose),)

    def claims(self, answer: Answer, key: bytes) -> dict[str, Any]:
        """The claims that the clause `vals` found; disputed values are not told."""
        found = values.open_values(answer, key, names=CLAIMS.values())
        told = {claim: found[name] for claim, name in CLAIMS.items() if name in found}
        return {claim: _claim(claim, v) for claim, v in told.items() if not v.is_disputed}


def _claim(claim: str, value: Value) -> Any:  # noqa: ANN401 - JSON
    # OIDC Core §5.1.1: the address is an object; §5.1: the others are strings.
    return {"formatted": value.shown()} if claim == "address" else value.value


def _check(detail: Detail, asked: Procedure, *, of: frozenset[str]) -> None:
    if asked.code not in of:
        raise MayNotAsk("this public service is not registered for the procedure")
    if asked.needs_case and not detail.case:
        raise MayNotAsk("this procedure is asked for one case: send its number as `case`")
    for name in detail.attributes or ():
        if catalogue.attribute(name).is_asked_by_none:
            raise MayNotAsk(f"{name} may be asked by no procedure")
        if name not in asked.attributes:
            raise MayNotAsk(f"{name} is not among the attributes of this procedure")


def _refuse_own_registers(items: Iterable[Item], public_service_id: uuid.UUID) -> None:
    named = {name for item in items for name in item.attributes}
    # The number, name, birth date and sex say who it is; every organisation may ask for them.
    kept = [a for a in map(catalogue.attribute, sorted(named)) if not a.is_of_identity]
    if not kept:
        return
    own = registered.by_id(public_service_id).organisation.code
    for attribute in kept:
        if catalogue.register(attribute.register).keeper_code == own:
            raise MayNotAsk(f"{attribute.name} stands in a register that this organisation keeps")


def _own(asked: Asked) -> Mapping[str, Any] | None:
    """What this very person decided; another person in the same browser is asked afresh."""
    outcome = asked.outcome
    if outcome is None or outcome.get("citizen") != asked.citizen_id.hex:
        return None
    return outcome


def _decided(items: Iterable[Item], outcome: Mapping[str, Any]) -> Verdict:
    grant_id = outcome["grant_id"]
    if grant_id is not None:
        return Approved(uuid.UUID(grant_id), ())
    if all(item.basis is Basis.CONSENT for item in items):
        raise Refused("the citizen did not allow it", note="consent refused")
    return Approved(None, ())  # *Tôi tự nộp*: the sign-in completes, nothing is released


def _step_up(asked: Asked, items: Iterable[Item]) -> StepUp | None:
    needed = [item.procedure for item in items if item.procedure is not None]
    auth = max((p.min_auth_level for p in needed), default=0)
    account = max((p.min_account_level for p in needed), default=0)
    if auth <= asked.auth_level and account <= asked.account_level:
        return None
    return StepUp(auth_level=auth, account_level=account)
