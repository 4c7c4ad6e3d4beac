"""Refresh tokens: rotated, in families, answered again within a short grace (RFC 6749 §6).

A lost answer costs nothing: within ten seconds the same token gives the same successor, as long
as that one is unused. Any other second use ends the family (RFC 9700 §4.14.2).
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from identity import clock, sealing
from identity.errors import InvalidGrant, InvalidScope
from identity.granted import grants, resources
from identity.granted.claims import Earned
from identity.public_services.registered import Registered
from identity.together import Answer, look
from identity.tokens import families, refresh_records
from identity.tokens.codes import REFRESH_PURPOSE, Bought
from identity.tokens.families import Asker, Standing

GRACE = timedelta(seconds=10)
REFUSED = "the refresh token is wrong, spent, late, or was given to another public service"
TABLE, COLUMN = "refresh_token", "successor_sealed"
USED_AGAIN, CHANGED, TOO_WIDE = "used again", "changed", "more scope than was granted"


@dataclass(frozen=True, slots=True)
class _Presented:
    """A refresh token that we made, whatever has become of it."""

    text: str = field(repr=False)
    citizen_id: uuid.UUID
    digest: bytes
    scope: tuple[str, ...]  # asked for; empty: all of it
    proof: str | None  # thumbprint of the key that proved itself; null: none did

    @property
    def key(self) -> bytes:
        """Seals the successor: only who has this token can read it."""
        derived = HKDF(SHA256(), 32, salt=None, info=b"motlan-refresh-successor/v1")
        return derived.derive(self.text.encode())


def refresh(
    text: str, asker: Asker, *, scope: Iterable[str] = (), target: tuple[str, ...] = ()
) -> Bought:
    """The family goes on: this token is spent, its successor lives; or this one stays (FAPI 2.0).

    Raises:
        InvalidGrant: unknown, late, ended, another service's or key's, or used again, which
            ends the family.
        InvalidScope: more was asked for than was granted; nothing is spent.
        InvalidTarget: a resource that was not authorized; likewise.
        InvalidClient: what proved the service was taken back a moment ago.
    """
    try:
        citizen_id, digest = sealing.open_handle(text, REFRESH_PURPOSE)
    except (sealing.Unreadable, ValueError):
        raise InvalidGrant(REFUSED, note="refresh: not ours") from None
    presented = _Presented(text, citizen_id, digest, tuple(dict.fromkeys(scope)), asker.sender_key)
    if target:
        asker.spend_proof()
        _require_target(presented, asker, target=target)
    return _buy(presented, asker) or _look_again(presented, asker)


def _buy(presented: _Presented, asker: Asker) -> Bought | None:
    use = _rotate if asker.service.rotates else _stay
    used = use(presented, asker)
    if used is not None:
        return used
    asker.spend_proof()  # before anything is looked at: whoever repeats a proof ends nothing
    return _again(presented, asker.service)


def _require_target(presented: _Presented, asker: Asker, *, target: tuple[str, ...]) -> None:
    """RFC 8707 §2.2; what an authorization is for never changes, so it may be read before."""
    found = look(refresh_records.found(presented.citizen_id, presented.digest))
    if found is not None and _mismatch(found, presented, asker=asker) is None:
        resources.require(target, granted=Earned.read(found["token.claims"]).resources)


def _look_again(presented: _Presented, asker: Asker) -> Bought:
    """The answer after all, or why there is none; a token used again has ended its family."""
    found = look(refresh_records.found(presented.citizen_id, presented.digest))
    reason = _why_not(found, presented, asker=asker)
    # We may remember the service as it was, or somebody spent the token between our two looks:
    # only what fails past both is a second use.
    is_open = reason in {CHANGED, USED_AGAIN}
    service = families.again(asker) if is_open else None
    bought = service and _buy(presented, replace(asker, service=service))
    if bought:
        return bought
    if found is not None and reason == USED_AGAIN:
        families.end_for_replay(presented.citizen_id, found["token.family_id"])
    families.leave_mark(asker, presented.citizen_id, reason=f"refresh: {reason}")
    if reason == TOO_WIDE:
        raise InvalidScope("ask for no more than was granted", note=f"refresh: {reason}")
    raise InvalidGrant(REFUSED, note=f"refresh: {reason}")


def _rotate(presented: _Presented, asker: Asker) -> Bought | None:
    successor, digest = sealing.new_handle(presented.citizen_id, REFRESH_PURPOSE)
    sealed = sealing.seal(
        presented.key,
        successor.encode(),
        table=TABLE,
        column=COLUMN,
        row=presented.digest.hex(),
    )
    params = _params(presented, asker.service)
    params["successor_sealed"], params["successor_digest"] = sealed, digest
    answer = asker.buy(*refresh_records.rotating(params), after="successor")
    if answer is None:
        return None
    return Bought(_standing(answer, presented), successor, asker.service)


def _stay(presented: _Presented, asker: Asker) -> Bought | None:
    """The same token goes on: each use proves a key, so another would protect nobody."""
    params = _params(presented, asker.service)
    answer = asker.buy(*refresh_records.staying(params), after="stayed")
    if answer is None:
        return None
    return Bought(_standing(answer, presented), presented.text, asker.service)


def _again(presented: _Presented, service: Registered) -> Bought | None:
    """The grace answer: what the first use was given, and tokens signed afresh."""
    params = _params(presented, service)
    params["refresh_grace"] = params["refresh_now"] - GRACE
    answer = look(*refresh_records.answering_again(params))
    if answer is None:
        return None
    successor = sealing.open_sealed(
        presented.key,
        answer["head.successor_sealed"],
        table=TABLE,
        column=COLUMN,
        row=presented.digest.hex(),
    )
    return Bought(_standing(answer, presented), successor.decode(), service)


def _params(presented: _Presented, service: Registered) -> dict[str, Any]:
    now = clock.now()
    params: dict[str, Any] = {
        "refresh_citizen": presented.citizen_id,
        "refresh_digest": presented.digest,
        "refresh_proof": presented.proof,
        "refresh_service": service.id,
        "refresh_service_version": service.version,
        "refresh_now": now,
        "idle_end": now + families.OFFLINE_IDLE,
    }
    if presented.scope:
        params["refresh_scope"] = list(presented.scope)
    return params


def _standing(answer: Answer, presented: _Presented) -> Standing:
    return Standing(
        citizen_id=presented.citizen_id,
        grant_id=answer["head.grant_id"],
        version=answer["head.version"],
        family_id=answer["head.family_id"],
        sub=answer["head.sub"],
        scope=answer["head.scope"],
        earned=Earned.read(answer["head.claims"]),
        decisions=grants.carried(answer["granted.decisions"]),
    )


def _why_not(found: Answer | None, presented: _Presented, *, asker: Asker) -> str:
    if found is None:
        return "unknown"
    if (mismatch := _mismatch(found, presented, asker=asker)) is not None:
        return mismatch
    if found["token.ended_at"] is not None or found["token.state"] != "active":
        return "ended"
    if found["token.spent_at"] is not None:
        return USED_AGAIN
    if found["token.expires_at"] <= clock.now():
        return "late"
    is_covered = set(presented.scope) <= set(found["token.scope"].split())
    return CHANGED if is_covered else TOO_WIDE


def _mismatch(found: Answer, presented: _Presented, *, asker: Asker) -> str | None:
    """Who presents it, where that is not whom it was given to; null: it is."""
    if found["token.public_service_id"] != asker.service.id:
        return "another public service"
    return None if found["token.sender_key"] in {None, presented.proof} else "another key"
