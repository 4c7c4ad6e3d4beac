"""What a poll is answered: not yet, slower, no, too late, or the tokens (RFC 8628 §3.5)."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NoReturn

from identity import clock
from identity.errors import InvalidGrant, Refusal
from identity.granted.approval import Refused
from identity.polled import pace
from identity.tokens import codes, families
from identity.tokens.codes import Redemption
from identity.tokens.families import Asker

# One sentence, whatever was wrong: who tries codes learns nothing from it.
REFUSED = "the code is wrong, spent, late, or was given to another public service"


class State(StrEnum):
    """Whether the person has answered, and what."""

    WAITING = "waiting"
    ALLOWED = "allowed"
    REFUSED = "refused"


class AuthorizationPending(Refusal):
    """The person has not answered yet (RFC 8628 §3.5)."""

    code, slug = "authorization_pending", "authorization-pending"
    title = "The person has not answered yet"


class SlowDown(Refusal):
    """The same, and the poll came too early (RFC 8628 §3.5)."""

    code, slug = "slow_down", "slow-down"
    title = "The polls come too often"


class ExpiredToken(Refusal):
    """Nobody answered in time (RFC 8628 §3.5)."""

    code, slug = "expired_token", "expired-token"
    title = "Nobody answered in time"


@dataclass(frozen=True, slots=True)
class Standing:
    """How one request stands at the moment of a poll."""

    digest: bytes
    public_service_id: uuid.UUID
    state: State
    interval_seconds: int
    expires_at: datetime
    citizen_id: uuid.UUID | None  # who has answered; null: nobody has


def answer(
    standing: Standing | None,
    asker: Asker,
    *,
    target: tuple[str, ...],
    slow_down: Callable[[Standing, int], None],
) -> dict[str, Any]:
    """The token response, where the person allowed it: their answer is a code that is now spent.

    `target` is what the access token is for (RFC 8707 §2.2); empty: as was asked.

    Raises:
        InvalidGrant: unknown, another service's, or redeemed before, which ends what it bought.
        Refused: the person said no.
        ExpiredToken, SlowDown, AuthorizationPending: there is no answer.
        InvalidTarget: a resource that was not asked for; nothing is spent.
    """
    if standing is None or standing.public_service_id != asker.service.id:
        raise InvalidGrant(REFUSED, note="poll: unknown, or another public service")
    if standing.state is State.REFUSED:
        raise Refused("the person did not allow it", note="poll: refused")
    if standing.state is State.WAITING or standing.citizen_id is None:
        _wait(standing, slow_down=slow_down)
    redemption = Redemption("", "", None, asker.sender_key, target)
    bought = codes.redeem_known(redemption, asker, key=(standing.citizen_id, standing.digest))
    aimed = bought.standing.aimed(target)
    return families.answer(aimed, bought.told(asker), refresh_token=bought.refresh_token)


def _wait(standing: Standing, *, slow_down: Callable[[Standing, int], None]) -> NoReturn:
    if standing.expires_at <= clock.now():
        raise ExpiredToken("nobody answered in time; ask anew")
    if pace.is_hasty(standing.digest, standing.interval_seconds):
        longer = pace.longer(standing.interval_seconds)
        if longer > standing.interval_seconds:  # or else every hasty poll would be a write
            slow_down(standing, longer)
        raise SlowDown(f"wait {pace.STEP} seconds longer between two polls")
    raise AuthorizationPending("the person has not answered yet; ask again later")
