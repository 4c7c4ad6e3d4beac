"""Nonces for proofs, RFC 9449 §8: sealed times, so that no process has to remember any."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from identity import clock, sealing
from identity.messages import Headers

PURPOSE = "dpop-nonce"
LIFETIME = timedelta(minutes=3)
RENEWED_AFTER = timedelta(minutes=1)  # then the next one comes with the answer
AHEAD = timedelta(seconds=30)  # how far the clock of another process of ours may be ahead
_SECONDS = 8  # bytes


def offer() -> Headers:
    """A fresh nonce, as it is told."""
    made = int(clock.now().timestamp()).to_bytes(_SECONDS)
    return (("DPoP-Nonce", sealing.ring().seal_token(PURPOSE, made)),)


def age(text: str) -> timedelta | None:
    """How long ago we made it; null: it is not ours, or too old."""
    try:
        made = _made_at(sealing.ring(), text)
    except sealing.Unreadable:
        return None
    found = clock.now() - made
    return found if -AHEAD <= found <= LIFETIME else None


@lru_cache(maxsize=1024)
def _made_at(ring: sealing.KeyRing, text: str) -> datetime:
    """What never changes: one nonce comes with many proofs."""
    return datetime.fromtimestamp(int.from_bytes(ring.open_token(PURPOSE, text)), UTC)
