"""The userinfo endpoint, OpenID Connect Core §5.3: who signed in, as far as that was decided."""

from functools import lru_cache
from typing import Any

from marshmallow import fields

from identity import described, jws, trail
from identity.citizens import people
from identity.citizens.national_id import Sex
from identity.described import Told
from identity.doors import Door, Request, always
from identity.entry import Who, seal_entry
from identity.errors import Refusal, tell
from identity.granted import approval, grants
from identity.granted.claims import ATTRIBUTE_OF, sayable
from identity.granted.gate import SAME, TokenRef, gate
from identity.messages import NO_STORE, Response, json_response
from identity.provider.guard import BOTH, PARAMETERS, Presented, access_token, dead
from identity.public_services import encryption, registered
from identity.public_services.registered import Registered
from identity.signing import tokens
from identity.together import Answer, Clause, look, together
from identity.tokens import liveness

JWT = "application/jwt"
OF_IDENTITY = frozenset({"name", "birthdate", "gender"})
# §5.1; undetermined is not told
_GENDERS = {Sex.MALE.value: "male", Sex.FEMALE.value: "female"}


def userinfo(request: Request, presented: Presented) -> Response:
    """The claims, after the entry that names them is committed.

    Raises:
        InvalidToken: the token no longer stands.
        InvalidRequest: the answer is to be encrypted, and there is no key for that.
    """
    ref, service = presented.ref, presented.service
    if ref is None:
        raise dead("no person")
    ref = sayable(ref, service)
    encryption.require_key(service, service.userinfo_encryption)  # before an entry says it was read
    request_id, claims = request.request_id, ref.claims
    answer = _answer(ref, service, claims=claims, request_id=request_id)
    if answer is None:
        # The token's grant has moved, the client has, or a claim has no value to tell.
        renewed, again = grants.renew(ref), registered.again(service)
        if renewed is None or again is None:
            raise _refusal(presented, request_id=request_id)
        ref, service = sayable(renewed[0], again), again
        claims = _tellable(ref)
        answer = _answer(ref, service, claims=claims, request_id=request_id)
    if answer is None:
        raise _refusal(presented, request_id=request_id)
    said = {"sub": presented.token.subject, **_said(ref, claims, answer=answer)}
    return _sent(said, service)


def _sent(said: dict[str, Any], service: Registered) -> Response:
    """The claims as JSON, or signed, encrypted, or both, as registered (OIDC Core §5.3.2)."""
    alg, wanted = service.userinfo_alg, service.userinfo_encryption
    if alg is None and wanted is None:
        return json_response(said, headers=NO_STORE)
    if alg is None:  # encrypted alone: the claims themselves are inside
        text = jws.compact(said).decode()
        text = encryption.encrypted(text, wanted, service=service, holds=None)
    else:
        signed = tokens.sign_userinfo(said, public_service=service.client_id, alg=alg)
        text = encryption.encrypted(signed, wanted, service=service)
    return Response(200, text.encode(), (("Content-Type", JWT), *NO_STORE))


def _tellable(ref: TokenRef) -> frozenset[str]:
    """The claims that there is a value for; those of identity always have one."""
    elsewhere = ref.claims - OF_IDENTITY
    if not elsewhere:
        return ref.claims
    return ref.claims - elsewhere | approval.asked().tellable(ref.citizen_id, elsewhere)


def _refusal(presented: Presented, *, request_id: str) -> Refusal:
    """What the service hears; where data was at stake, the person's log says that it asked."""
    ref, service = presented.ref, presented.service
    if ref is None:
        return dead("no person")
    reason = liveness.why_not(ref)
    if ref.claims:
        trail.refuse(
            "attributes:refused",
            Who(citizen=ref.citizen_id, public_service=service.id),
            subject=_subject(ref, ref.claims) | {"reason": reason.value, "result": "refused"},
            acting=_acting(ref, service, request_id=request_id),
        )
    return dead(reason)


def _subject(ref: TokenRef, claims: frozenset[str]) -> dict[str, Any]:
    """What the person's log says: the claims told, and those of which only the lack was."""
    told: dict[str, Any] = {
        "attributes": _attributes(claims),
        "basis": "consent",
        "decision_id": str(ref.scope_decision),
    }
    if without := _attributes(ref.claims - claims):
        told["without"] = without
    return told


@lru_cache(maxsize=64)  # as many as six claims can be chosen
def _attributes(claims: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(ATTRIBUTE_OF[claim] for claim in claims))


def _acting(ref: TokenRef, service: Registered, *, request_id: str) -> dict[str, Any]:
    return {
        "public_service": service.client_id,
        "grant": ref.grant_id.hex,
        "request": request_id,
    }


def _answer(
    ref: TokenRef, service: Registered, *, claims: frozenset[str], request_id: str
) -> Answer | None:
    """One statement: the gate, the sealed values, and the entry that says they were read.

    Null: a condition was false, or one of the claims has no value; nothing has happened then.
    """
    live = gate(ref, service=service, decision_id=ref.scope_decision)
    if not ref.claims:
        return look(live)  # `sub` alone: the service has it already, so nothing is disclosed
    entry = seal_entry(
        "attributes:released",
        Who(citizen=ref.citizen_id, public_service=service.id),
        subject=_subject(ref, claims) | {"result": "released"},
        acting=_acting(ref, service, request_id=request_id),
    )
    conditions: tuple[Clause, ...] = (live, people.identity_clause(ref.citizen_id))
    if not claims <= OF_IDENTITY:
        conditions += approval.asked().userinfo(claims - OF_IDENTITY)
    after = [condition.name for condition in conditions]
    return together(*conditions, *trail.clauses(entry, after=after, same=SAME))


def _said(ref: TokenRef, claims: frozenset[str], *, answer: Answer) -> dict[str, Any]:
    if not ref.claims:
        return {}
    key = people.key_from(answer)
    found = _of_identity(people.members_from(answer, ref.citizen_id, key=key))
    if not claims <= OF_IDENTITY:
        found |= approval.asked().claims(answer, key)
    return {name: value for name, value in found.items() if name in claims and value}


def _of_identity(told: people.Members) -> dict[str, Any]:
    born = told["date_of_birth"]
    return {
        "name": told["full_name"],
        # §5.1 knows a day or a year; a month alone is told as its year.
        "birthdate": born if len(born) == len("1952-03-09") else born[: len("1952")],
        "gender": _GENDERS.get(told["sex"]),
    }


CLAIMS = Told.from_dict(
    {
        "sub": fields.String(required=True),
        "name": fields.String(),
        "birthdate": fields.String(),
        "gender": fields.String(),
        "email": fields.String(),
        "phone_number": fields.String(),
        "address": fields.Nested(
            Told.from_dict({"formatted": fields.String(required=True)}, name="Address")
        ),
    },
    name="Claims",
)
_TOLD = described.Answer("the claims: OpenID Connect Core section 5.3.2", CLAIMS, also=JWT)
_GUARD = access_token(audience=BOTH, scopes=("openid",))


def _door(method: str) -> Door:
    return Door(
        method=method,
        path="/userinfo",
        function=userinfo,
        guard=_GUARD,
        refusals=tell,
        asks_once=always,
        summary="Who signed in, as far as it was decided",
        form=(PARAMETERS,) if method == "POST" else (),
        answers={200: _TOLD},
    )


DOORS = (_door("GET"), _door("POST"))
