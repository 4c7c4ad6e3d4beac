"""Guessing at user codes is bounded: by browser, person, neighbourhood, and for all together.

RFC 8628 §5.1. What a right guess would give a stranger is that somebody's screen shows the
stranger's data, so a person's own tries are the narrowest of these.
"""

from identity import clock
from identity.authentication import lockout
from identity.authentication.lockout import QUARTER, Budget, Reservation, Target, Visit
from identity.authentication.sessions import CitizenSession
from identity.database import transaction
from identity.device import requests, user_code
from identity.device.requests import Waiting
from identity.errors import Refusal

ALL = Budget(("user-code", "all"), 2_000, QUARTER)


class WrongUserCode(Refusal):
    """No device waits under this code: mistyped, answered, late, or never given."""

    slug = "wrong-user-code"
    title = "No device waits under this code"


def find(text: str, session: CitizenSession, *, visit: Visit) -> Waiting:
    """The request that waits under a typed code; only a wrong one counts as a try.

    Raises:
        TooManyTries: no try is left; the code was not looked at.
        WrongUserCode: nothing waits under it.
    """
    code = user_code.typed(text)
    if code is None:
        raise WrongUserCode("this is no user code", note="user code: shape")
    target = Target("user-code", session.citizen_id.hex, is_known_device=False)
    own = lockout.reserve(target, visit)
    with transaction():
        until = lockout.spend(ALL, clock.now())
    found = requests.find_typed(code)
    if found is None:
        raise WrongUserCode("no device waits under this code", note="user code: unknown")
    with transaction():
        lockout.release(Reservation((*own.counted, (ALL.digest, until))))
    return found
