"""A new second factor: password and a factor of now prove who asks, then it is chosen and shown."""

from identity import trail
from identity.account import prove
from identity.authentication import lockout, second_factor, sessions
from identity.authentication.lockout import TooManyTries, Visit
from identity.authentication.second_factor import WrongCode
from identity.authentication.sessions import CitizenSession
from identity.authentication.sign_in import WrongCredentials
from identity.citizens import records as citizen_records
from identity.database import transaction
from identity.factors import setups
from identity.factors.setups import Kind, Setup, SetupEnded

WHY = "factor-change"


def begin(session: CitizenSession, kind: Kind, *, password: str, code: str, visit: Visit) -> str:
    """Both factors were proved, and a new one is ready to be shown; the text for its page.

    Raises:
        TooManyTries, SignInBusy, WrongCredentials: the password was not proved.
        WrongCode: the code is wrong or was used already.
    """
    _hash, changed_at, reservation = prove.prove_password(session, password, visit=visit)
    target = second_factor.target(
        session.citizen_id, is_known_device=prove.is_known(session, visit)
    )
    try:
        tries = lockout.reserve(target, visit)
        with transaction():
            lockout.release(reservation)
            lockout.release(tries)
            account = citizen_records.held_account(session.citizen_id)
            if account is None or account.changed_at != changed_at:
                # Changed while we compared: what was proved is the password of before.
                raise WrongCredentials("the password is not right")
            second_factor.spend(session.citizen_id, second_factor.typed(code))
            text = setups.open_setup(session.citizen_id, visit.browser_digest)
            setups.choose(setups.setup(text, visit.browser_digest), kind)
            return text
    except TooManyTries:
        prove.mark(session, visit, reason="throttled")
        raise
    except WrongCode:
        prove.mark(session, visit, reason="code")
        raise


def choosing(session: CitizenSession, text: str, *, visit: Visit, kind: Kind) -> Setup:
    """What this person has chosen in this browser.

    Raises:
        SetupEnded: nothing, too late, another person's, or of the other kind.
    """
    begun = setups.setup(text, visit.browser_digest)
    is_own = begun.citizen_id == session.citizen_id and begun.letter_digest is None
    if not is_own or begun.kind is not kind:
        raise SetupEnded("prove yourself again")
    return begun


def finish(session: CitizenSession, begun: Setup, *, code: str, visit: Visit) -> str:
    """The new factor counts; the one of its kind before it does not, nor any other choice begun.

    As with a new password every session and token but this session's is over: perhaps the old
    factor was lost to somebody. The text is this session's new cookie.

    Raises:
        SetupEnded: too late, another request was faster, or this session has just ended.
        WrongCode: the app does not show this code; it can be tried again.
    """
    with transaction():
        # First: of two choices finished at once, each would wait for the other's.
        account = citizen_records.held_account(session.citizen_id)
        setups.spend(begun)
        if account is None or account.changed_at > begun.created_at:
            raise SetupEnded("the password was changed; prove yourself again")
        second_factor.adopt(begun, code)
        setups.end_all(session.citizen_id)
        cookie = sessions.renew_cookie(session)
        if not cookie:
            raise SetupEnded("sign in again; this session has just ended")
        ended = sessions.end_others(session, WHY)
        trail.record(
            "factor:changed",
            prove.owner(session),
            subject={"result": "changed", "factor": str(begun.kind), "sessions_ended": ended},
            acting=prove.by(session, visit),
        )
    return cookie
