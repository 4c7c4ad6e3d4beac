"""A new password: whoever else is signed in as this person is not any more."""

from identity import clock, trail
from identity.account import prove
from identity.authentication import lockout, sessions
from identity.authentication.lockout import Visit
from identity.authentication.sessions import CitizenSession
from identity.citizens import passwords, people
from identity.citizens import records as citizen_records
from identity.database import transaction
from identity.errors import Refusal
from identity.factors.password_rules import require_strong

WHY = "password-change"


class ChangedMeanwhile(Refusal):
    """Another request changed the password, or this session ended, a moment before."""

    status, slug = 409, "changed-meanwhile"
    title = "It was changed meanwhile"


def change_password(session: CitizenSession, *, old: str, new: str, visit: Visit) -> str:
    """The new password counts, and every session and token but this session's is over.

    The text is this session's new cookie: somebody who copied the old one is out too.

    Raises:
        WeakPassword: the new one would be guessed; the old one was not looked at.
        TooManyTries, SignInBusy, WrongCredentials: the old one was not proved.
        ChangedMeanwhile: of two at once only one counts.
    """
    require_strong(new, people.person(session.citizen_id))
    kept, _changed_at, reservation = prove.prove_password(session, old, visit=visit)
    new_hash, at = passwords.hash_password(new), clock.now()
    with transaction():
        lockout.release(reservation)
        if not citizen_records.replace_hash(session.citizen_id, new_hash, old=kept, at=at):
            raise ChangedMeanwhile("look at the page again; another request was faster")
        cookie = sessions.renew_cookie(session)
        if not cookie:
            raise ChangedMeanwhile("sign in again; this session has just ended")
        ended = sessions.end_others(session, WHY)
        trail.record(
            "password:changed",
            prove.owner(session),
            subject={"result": "changed", "sessions_ended": ended},
            acting=prove.by(session, visit),
        )
    return cookie
