"""Whether an access token still stands, and if not, why: never from the token alone (design §3)."""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from identity import clock
from identity.granted import grant_records, grants
from identity.granted.approval import Carried
from identity.granted.gate import TokenRef
from identity.granted.grants import Grant
from identity.public_services.registered import Registered
from identity.together import look
from identity.tokens import families, refresh_records
from identity.tokens.families import Asker

T = TypeVar("T")


class Reason(StrEnum):
    """Why a statement behind the gate found nothing."""

    WITHDRAWN = "withdrawn"  # the family ended by a withdrawal: 403 at our API, not 401
    ENDED = "ended"  # the family ended by anything else, or the token was revoked: 401
    NOT_CARRIED = "not carried"  # this decision is not, or no longer, in the grant
    EXPIRED = "expired"
    USED_UP = "used up"
    MOVED = "moved"  # the grant or service is at another version: rebuild once


def alive(ref: TokenRef, asker: Asker) -> tuple[Carried, ...] | None:
    """The decisions in force now; null: the token is dead.

    Raises:
        InvalidClient: what proved the service that asks was taken back a moment ago.
    """
    return past_memory(lambda known: _alive(ref, known), asker)


def _alive(ref: TokenRef, service: Registered) -> tuple[Carried, ...] | None:
    params = {
        "citizen": ref.citizen_id,
        "gate_grant": ref.grant_id,
        "gate_family": ref.family_id,
        "gate_token": ref.token_key,
        "gate_service": service.id,
        "gate_service_version": service.version,
        "gate_now": clock.now(),
    }
    answer = look(grant_records.alive(params))
    return None if answer is None else grants.carried(answer["alive.decisions"])


def client_alive(token_key: UUID, asker: Asker) -> bool:
    """Whether a token without a person stands: not revoked, its public service active.

    Raises:
        InvalidClient: as for `alive`.
    """
    return past_memory(lambda known: _client_alive(token_key, known) or None, asker) is not None


def _client_alive(token_key: UUID, service: Registered) -> bool:
    params = {
        "gate_token": token_key,
        "gate_service": service.id,
        "gate_service_version": service.version,
    }
    return look(grant_records.client_alive(params)) is not None


def past_memory(look_with: Callable[[Registered], T | None], asker: Asker) -> T | None:
    """What is found with the service as we remember it, or else as it is now.

    Raises:
        InvalidClient: as for `alive`.
    """
    found = look_with(asker.service)
    if found is not None:
        return found
    again = families.again(asker)
    is_news = again is not None and again.version != asker.service.version
    return look_with(again) if again is not None and is_news else None


def why_not(ref: TokenRef, *, decision_id: UUID | None = None) -> Reason:
    """Why nothing matched `gate`, at this moment; for the error, and for the refusal's entry.

    Without `decision_id`: the token names no decision that is asked about.
    """
    grant = grants.find_grant(ref.citizen_id, ref.grant_id)
    if grant is None:
        return Reason.ENDED
    if ref.family_id in grant.ended:
        return _ended_by(grant.ended[ref.family_id])
    if not grant.is_active:
        return Reason.WITHDRAWN
    if _is_revoked(ref):
        return Reason.ENDED
    return Reason.MOVED if decision_id is None else _of_decision(grant, decision_id)


def _ended_by(by: str) -> Reason:
    told = {grants.WITHDRAWAL: Reason.WITHDRAWN, grants.EXPIRY: Reason.EXPIRED}
    return told.get(by, Reason.ENDED)


def _of_decision(grant: Grant, decision_id: UUID) -> Reason:
    decision = next((d for d in grant.decisions if d.decision_id == decision_id), None)
    if decision is None:
        return Reason.NOT_CARRIED
    if decision.until <= clock.now():
        return Reason.EXPIRED
    return Reason.USED_UP if decision.uses_left == 0 else Reason.MOVED


def _is_revoked(ref: TokenRef) -> bool:
    answer = look(refresh_records.is_revoked(ref.token_key))
    return answer is not None and answer["revoked.count"] > 0
