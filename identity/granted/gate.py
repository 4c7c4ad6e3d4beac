"""The gate: what must hold at the moment of a release, as a condition of its own statement.

A token is never proof that a decision still stands (design §4). `vn_ref` says where to look.
"""

import base64
import binascii
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from identity import clock, sealing
from identity.errors import InvalidToken
from identity.granted import grant_records
from identity.public_services.registered import Registered
from identity.together import Clause

PURPOSE = "vn_ref"
# Bits of the claims that scopes stand for; never change the order, tokens in use carry it.
SCOPE_CLAIMS = ("name", "birthdate", "gender", "email", "phone_number", "address")
_UUID = 16
_VERSION = 8
_PLAIN = 3 * _UUID + _VERSION
# What the gate calls members of an entry about the same person and public service.
SAME = (("citizen", "citizen"), ("service", "gate_service"))
REMEMBERED = 2048  # references that were opened; as many as tokens whose signature was checked


@dataclass(frozen=True, slots=True)
class TokenRef:
    """Where a token's liveness and decisions stand; sealed, so that services learn nothing."""

    citizen_id: uuid.UUID
    grant_id: uuid.UUID
    version: int
    family_id: uuid.UUID
    scope_decision: uuid.UUID | None = None  # null: no scope beyond openid was decided
    claims: frozenset[str] = frozenset()  # what that decision lets userinfo say
    token_key: uuid.UUID | None = None  # of the jti; not sealed, it stands in the token


def seal_ref(ref: TokenRef) -> str:
    """The reference as `vn_ref` carries it: citizen, grant, version, family, then what scopes gave.

    Fresh each time, so that two services cannot see that they speak of one person.
    """
    version = ref.version.to_bytes(_VERSION)
    payload = ref.citizen_id.bytes + ref.grant_id.bytes + version + ref.family_id.bytes
    if ref.scope_decision is not None:
        bits = sum(1 << n for n, claim in enumerate(SCOPE_CLAIMS) if claim in ref.claims)
        payload += ref.scope_decision.bytes + bytes([bits])
    return sealing.ring().seal_token(PURPOSE, payload)


def open_ref(text: str, jti: str) -> TokenRef:
    """The reference of a token that was verified already.

    Raises:
        InvalidToken: its `vn_ref` is not one of ours.
    """
    return _opened(sealing.ring(), text, jti=jti)


@lru_cache(maxsize=REMEMBERED)
def _opened(ring: sealing.KeyRing, text: str, *, jti: str) -> TokenRef:
    """Where these keys say that a token points to: that never changes, only what stands there."""
    try:
        payload = ring.open_token(PURPOSE, text)
    except sealing.Unreadable:
        raise InvalidToken("the token is not valid", note="token: vn_ref") from None
    ids = [uuid.UUID(bytes=payload[at : at + _UUID]) for at in (0, _UUID, 2 * _UUID + _VERSION)]
    version = int.from_bytes(payload[2 * _UUID : 2 * _UUID + _VERSION])
    ref = TokenRef(ids[0], ids[1], version, ids[2], token_key=token_key(jti))
    return ref if len(payload) == _PLAIN else _with_scopes(ref, payload[_PLAIN:])


def _with_scopes(ref: TokenRef, rest: bytes) -> TokenRef:
    claims = frozenset(c for n, c in enumerate(SCOPE_CLAIMS) if rest[_UUID] & (1 << n))
    return replace(ref, scope_decision=uuid.UUID(bytes=rest[:_UUID]), claims=claims)


def token_key(jti: str) -> uuid.UUID:
    """The key under which a token's revocation is kept: the 128 bits of its `jti`.

    Raises:
        InvalidToken: it is not a `jti` of ours.
    """
    try:
        return uuid.UUID(bytes=base64.urlsafe_b64decode(jti + "=="))
    except (ValueError, binascii.Error):
        raise InvalidToken("the token is not valid", note="token: jti") from None


def gate(ref: TokenRef, *, service: Registered, decision_id: uuid.UUID | None = None) -> Clause:
    """The condition `live`: the grant at the token's version, locked FOR SHARE until the commit.

    Besides: its family is not ended, the token not revoked, the service as we know it; with
    `decision_id`, that decision is carried, in time and not used up.
    """
    params = _keys(ref, service)
    if decision_id is None:
        return grant_records.live(params, "head")
    return grant_records.live(params | _decided(decision_id), "decided")


def unlimited_gate(ref: TokenRef, *, service: Registered, decision_id: uuid.UUID) -> Clause:
    """The same condition, false of a decision with a limit of uses: there is nothing to `spend`.

    Nearly every decision has none, and none ever gets one later.
    """
    return grant_records.live(_keys(ref, service) | _decided(decision_id), "unlimited")


def _keys(ref: TokenRef, service: Registered) -> dict[str, Any]:
    return {
        "citizen": ref.citizen_id,
        "gate_grant": ref.grant_id,
        "gate_version": ref.version,
        "gate_family": ref.family_id,
        "gate_token": ref.token_key,
        "gate_service": service.id,
        "gate_service_version": service.version,
    }


def _decided(decision_id: uuid.UUID) -> dict[str, Any]:
    return {"gate_decision": decision_id, "gate_now": clock.now()}


def spend(*, after: Iterable[str] = ("live",)) -> tuple[Clause, ...]:
    """One use of the gate's decision is taken; without a limit nothing is. The condition `budget`.

    It answers `uses_left`, -1 where there is no limit.

    `after` names every condition of the statement, so that nothing is taken in vain; what is
    written must come after `budget` in turn.
    """
    return grant_records.spending(tuple(after))
