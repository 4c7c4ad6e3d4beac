"""The form of the code, sent twice by one tap too many: the browser drops the first answer.

The second has to be the same answer: the same cookie of the same session, for a moment only. The
cookie is made of all that was sent and from where, so a step or a code alone finds nothing, and
another browser, which has another cookie of its own, finds nothing either.
"""

from identity.authentication import lockout, second_factor, sessions
from identity.authentication.lockout import Visit
from identity.authentication.sessions import Proof, Started
from identity.database import transaction
from identity.steps import half
from identity.steps.half import StepEnded


def told(step_text: str, code: str, *, visit: Visit) -> bytes:
    """What the cookie of the session is made of that this form buys.

    The step's text is stored as a digest only, so the database alone does not yield it.
    """
    parts = (step_text, second_factor.typed(code), visit.address)
    return visit.browser_digest + "\x1f".join(parts).encode()


def session(step_text: str, proof: Proof, *, visit: Visit) -> Started:
    """The session that this very form has started a moment ago, under the same cookie.

    Nothing is written and no budget is touched, but whoever guesses at the code has one here too.

    Raises:
        StepEnded: no form did, it was another code, or the session is over.
        TooManyTries: the budget for codes is spent.
    """
    half.require_just_spent(step_text, visit.browser_digest, is_staff=False)
    target = second_factor.target(proof.citizen_id, is_known_device=True)
    reservation = lockout.reserve(target, visit)
    started = sessions.again(proof)
    if started is None:
        raise StepEnded("start again with the password")
    with transaction():
        lockout.release(reservation)
    return started
