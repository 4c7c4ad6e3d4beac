"""The ledger's answer to identity: what is asked of a person, and what they have decided."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from consent.attributes import catalogue, values
from consent.attributes.envelopes import Value
from consent.ledger import records
from consent.procedures.catalogue import Basis, Procedure, procedure
from identity import clock
from identity.errors import Refusal
from identity.granted.approval import (
    Approved,
    Ask,
    Asked,
    Carried,
    Detail,
    Refused,
    StepUp,
    Verdict,
)
from identity.granted.claims import CLAIM
from identity.public_services import registered
from identity.together import Answer, Clause

# The words of the page; a change of their meaning is a new version, and old decisions stay old.
TEXT_VERSION = "1"
SCOPES = "scopes"
# OIDC Core §5.4: which claims a scope asks for, and the attribute that each one tells.
SCOPE_CLAIMS: Mapping[str, Mapping[str, str]] = {
    "profile": {"name": "full_name", "birthdate": "date_of_birth", "gender": "sex"},
    "email": {"email": "contact_email"},
    "phone": {"phone_number": "contact_phone"},
    "address": {"address": "permanent_address"},
}
# Scopes behind which there is no attribute.
BARE = frozenset({"openid", "offline_access"})
LIFETIME: Mapping[Basis, timedelta] = {
    Basis.REQUEST: timedelta(days=30),
    Basis.LAW: timedelta(days=30),
    Basis.CONSENT: timedelta(days=365),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing to decide: a procedure for one case, or the scopes together."""

    basis: Basis
    procedure: Procedure | None  # null: the scopes
    case: str | None
    scopes: tuple[str, ...] = ()
    required: tuple[str, ...]  # names of attributes, as in the catalogue
    optional: tuple[str, ...] = ()

    @property
    def attributes(self) -> tuple[str, ...]:
        """Every attribute it asks for."""
        return self.required + self.optional

    @property
    def code(self) -> str | None:
        """The procedure's code; null: the scopes."""
        return self.procedure.code if self.procedure else None

    @property
    def template(self) -> str:
        """Which version of which text a decision about it names."""
        return f"{self.procedure.template if self.procedure else SCOPES}/{TEXT_VERSION}"

    @property
    def purposes(self) -> tuple[str, ...]:
        """What it is for: the procedure's own purpose, or one for each scope."""
        return (self.procedure.code,) if self.procedure else self.scopes

    def written(self, attributes: Iterable[str]) -> tuple[str, ...]:
        """Names as the decision keeps them: those of claims where scopes are decided."""
        wanted = set(attributes)
        if self.procedure is not None:
            return tuple(name for name in self.attributes if name in wanted)
        told = [pair for scope in self.scopes for pair in SCOPE_CLAIMS[scope].items()]
        return tuple(claim for claim, name in told if name in wanted)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the person has to be asked, and what stands already."""

    open: tuple[Item, ...]
    taken: tuple[Carried, ...]


def items(details: Iterable[Detail], scopes: frozenset[str]) -> tuple[Item, ...]:
    """Everything a request asks for, in its order; the scopes last."""
    listed = [_item(detail) for detail in details]
    told = tuple(s for s in SCOPE_CLAIMS if _wanted(s, scopes)) if scopes - BARE else ()
    if told:
        names = tuple(name for scope in told for name in _wanted(scope, scopes))
        scoped = Item(basis=Basis.CONSENT, procedure=None, case=None, scopes=told, required=names)
        listed.append(scoped)
    return tuple(listed)


def _wanted(scope: str, asked: frozenset[str]) -> tuple[str, ...]:
    """The attributes of a scope that is asked for as a whole, or by single claims."""
    pairs = SCOPE_CLAIMS[scope].items()
    return tuple(name for c, name in pairs if scope in asked or CLAIM + c in asked)


def _item(detail: Detail) -> Item:
    asked = procedure(detail.procedure)
    wanted = set(asked.attributes_required if detail.attributes is None else detail.attributes)
    return Item(
        basis=asked.basis,
        procedure=asked,
        case=detail.case,
        required=tuple(name for name in asked.attributes_required if name in wanted),
        optional=tuple(name for name in asked.attributes_optional if name in wanted),
    )


def plan(
    citizen_id: uuid.UUID,
    public_service_id: uuid.UUID,
    *,
    asked: Iterable[Item],
    must_ask: bool = False,
) -> Plan:
    """Which items a live decision covers already, and which are open.

    `must_ask` (prompt=consent) leaves every item open.
    """
    wanted = tuple(asked)
    if not wanted:
        return Plan((), ())
    live = records.live_for(citizen_id, public_service_id, at=clock.now())
    if must_ask:
        return Plan(wanted, ())
    found = [(item, next((row for row in live if covers(row, item)), None)) for item in wanted]
    taken = tuple(carried(row) for _, row in found if row is not None)
    return Plan(tuple(item for item, row in found if row is None), taken)


def covers(row: Any, item: Item) -> bool:  # noqa: ANN401 - a row of the table
    """Whether a live decision says exactly this, in words and meanings that have not changed."""
    same = (row.procedure, row.case, row.template) == (item.code, item.case, item.template)
    if not same or set(row.attributes) != set(item.written(item.attributes)):
        return False
    if row.use_budget is not None and not row.uses_left:
        return False
    # An attribute that means something else since then was not decided (security case 51).
    asked_at = catalogue.asked_at(row.decision_id)
    return all(catalogue.attribute(n).meant_since <= asked_at for n in item.attributes)


def carried(row: Any) -> Carried:  # noqa: ANN401 - a row of the table
    """The decision as a grant carries it."""
    return Carried(
        decision_id=row.decision_id,
        procedure=row.procedure,
        case=row.case,
        basis=row.basis,
        purposes=tuple(row.purposes),
        attributes=tuple(row.attributes),
        until=row.until,
        uses_left=row.uses_left,
    )


# Claims of OIDC Core §5.1 whose values stand here; the others are identity's own.
CLAIMS = {c: a for s in ("email", "phone", "address") for c, a in SCOPE_CLAIMS[s].items()}


class MayNotAsk(Refusal):
    """No citizen should be asked this by this public service (RFC 9396 §5)."""

    code, slug = "invalid_authorization_details", "may-not-ask"
    title = "This public service may not ask for this"


class Ledger:
    """What consent offers to identity (`identity.granted.approval.Approval`)."""

    def check(
        self, details: Iterable[Detail], scopes: frozenset[str], *, of: frozenset[str]
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
        wanted = items(asked.details, asked.scopes)
        _refuse_own_registers(wanted, asked.public_service_id)
        outcome = _own(asked)
        if outcome is not None:
            return _decided(wanted, outcome)
        needed = _step_up(asked, wanted)
        if needed is not None:
            return needed
        found = plan(
            asked.citizen_id, asked.public_service_id, asked=wanted, must_ask=asked.must_ask
        )
        if found.open:
            return Ask("/consent" if asked.request_id is None else f"/consent/{asked.request_id}")
        return Approved(None, found.taken)

    def userinfo(self, claims: frozenset[str]) -> tuple[Clause, ...]:
        """The clause `vals` over the statement's own parameter `citizen`, where it is needed."""
        if not (names := [name for claim, name in CLAIMS.items() if claim in claims]):
            return ()
        return (values.whole_clause(names),)

    def tellable(self, citizen_id: uuid.UUID, claims: frozenset[str]) -> frozenset[str]:
        """Those whose value is there, undisputed and in force."""
        names = values.tellable(CLAIMS.values(), citizen_id)
        return frozenset(c for c in claims if CLAIMS.get(c) in names)

    def claims(self, answer: Answer, key: bytes) -> dict[str, Any]:
        """The claims that the clause `vals` found."""
        found = values.open_values(answer, key)
        return {c: _claim(found[name]) for c, name in CLAIMS.items() if name in found}


def _claim(value: Value) -> Any:  # noqa: ANN401 - JSON
    # OIDC Core §5.1.1: the address is an object, as registered; §5.1: the others are strings.
    return {"formatted": value.value["text"]} if isinstance(value.value, dict) else value.value


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
    grant_id, refused_scopes = outcome["grant_id"], frozenset(outcome["refused_scopes"])
    if grant_id is not None:
        return Approved(uuid.UUID(grant_id), (), refused_scopes)
    if all(item.basis is Basis.CONSENT for item in items):
        raise Refused("the citizen did not allow it", note="consent refused")
    # *Tôi tự nộp*: the sign-in completes, nothing is released.
    return Approved(None, (), refused_scopes)


def _step_up(asked: Asked, items: Iterable[Item]) -> StepUp | None:
    needed = [item.procedure for item in items if item.procedure is not None]
    auth = max((p.min_auth_level for p in needed), default=0)
    account = max((p.min_account_level for p in needed), default=0)
    if auth <= asked.auth_level and account <= asked.account_level:
        return None
    return StepUp(auth_level=auth, account_level=account)
