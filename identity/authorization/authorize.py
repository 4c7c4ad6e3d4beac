"""The authorization endpoint, RFC 6749 §3.1: who is asked what, and what goes back."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from identity import clock
from identity.authentication import sessions
from identity.authentication.sessions import CitizenSession
from identity.authorization import answering, response_modes, subjects
from identity.authorization.answering import Moved
from identity.authorization.response_modes import Posted
from identity.errors import Refusal
from identity.granted import approval
from identity.granted.approval import Approved, Ask, Asked, StepUp
from identity.managed import asking
from identity.messages import NO_STORE, Response
from identity.requested import acr, pending, requests, rules
from identity.requested.pending import AlreadyAnswered, Pending
from identity.requested.rules import Unmet
from identity.requested.wish import Wish

# How often a request is looked at anew because something it rests on changed at that moment.
TRIES = 3


class LoginRequired(Refusal):
    """The person has to sign in, and may not be asked to (OIDC Core §3.1.2.6)."""

    code, slug = "login_required", "login-required"
    title = "The person is not signed in as is needed"


class ConsentRequired(Refusal):
    """The person has to decide, and may not be asked to (OIDC Core §3.1.2.6)."""

    code, slug = "consent_required", "consent-required"
    title = "The person has not decided yet"


class Unsettled(Refusal):
    """What the answer rests on changed again and again while it was written."""

    code, slug = "temporarily_unavailable", "unsettled"
    title = "Try again"


@dataclass(frozen=True)
class Visit:
    """A browser that came with a wish: for the first time, or back with a stored one."""

    wish: Wish
    session: CitizenSession | None  # null: nobody is signed in here
    browser_digest: Callable[[], bytes]  # asked only if the request has to wait
    pending: Pending | None = None  # null: not stored, nobody had to be asked so far

    @property
    def is_fresh(self) -> bool:
        """Whether the person signed in for this very request."""
        if self.session is None or self.pending is None:
            return False
        return self.session.auth_at >= self.pending.created_at


def authorize(visit: Visit) -> Response | Posted:
    """The browser goes on: to the public service with a code or an error, or to a page of ours.

    Raises:
        AlreadyAnswered: the stored request had its answer before.
    """
    if visit.pending is not None and visit.pending.is_answered:
        raise AlreadyAnswered("this request has been answered already")
    try:
        return _next_step(visit)
    except (AlreadyAnswered, pending.RequestOver, requests.NotSentBack):
        raise
    except Refusal as refusal:
        return _send_back(visit, refusal)


def receive(wish: Wish) -> Response | Posted:
    """A posted request is stored, and opened by GET, where our cookies come along (design §8).

    It is not bound to a browser yet: a form of another site brings none of our cookies.
    """
    try:
        rules.check(wish)
    except Refusal as refusal:
        answering.close(wish, None)
        return response_modes.refuse(wish, refusal)
    return _go(f"/authorize?request={pending.keep(wish, None).hex}")


def _next_step(visit: Visit) -> Response | Posted:
    for _ in range(TRIES):
        try:
            return look(visit)
        except Moved:
            visit = _as_now(visit)
    raise Unsettled("try again in a moment")


def _as_now(visit: Visit) -> Visit:
    session = None if visit.session is None else sessions.as_now(visit.session)
    return replace(visit, wish=requests.renewed(visit.wish), session=session)


def look(visit: Visit) -> Response | Posted:
    """The answer as things are at this moment.

    Raises:
        Moved: they changed meanwhile; nothing was written.
        Refusal: it goes back to the public service.
    """
    rules.check(visit.wish)
    session = visit.session
    if session is None or _has_to_sign_in(visit, session):
        return _ask_to_sign_in(visit)
    _require_met(visit, session)
    verdict = approval.asked().review(_asked(visit, session))
    if isinstance(verdict, Ask):
        return _ask_to_decide(visit, session, ask=verdict)
    if isinstance(verdict, StepUp):
        return _step_up(visit, session, needed=verdict)
    return _send_code(visit, session, approved=verdict)


def _has_to_sign_in(visit: Visit, session: CitizenSession) -> bool:
    """OIDC Core §3.1.2.3. Who signed in for this request is not asked for it again."""
    if visit.is_fresh:
        return False
    wish = visit.wish
    if wish.prompts & {"login", "select_account"} or _is_too_old(wish, session):
        return True
    if _is_another(wish, session):
        return True
    # A voluntary level is worth a page, but not an error (OIDC Core §5.5.1.1).
    is_too_low = session.acr < wish.acr.target
    return is_too_low and (wish.acr.is_essential or not wish.is_silent)


def _is_too_old(wish: Wish, session: CitizenSession) -> bool:
    limit = wish.max_age_seconds
    return limit is not None and clock.now() - session.auth_at > timedelta(seconds=limit)


def _is_another(wish: Wish, session: CitizenSession) -> bool:
    if wish.polled is not None and not wish.polled.is_for(session.citizen_id):
        return True
    if wish.subject is None:
        return False
    return subjects.find_subject(session.citizen_id, wish.public_service.sector) != wish.subject


def _require_met(visit: Visit, session: CitizenSession) -> None:
    wish = visit.wish
    _require_own_grant(wish, session)
    if visit.is_fresh and _is_another(wish, session):
        raise LoginRequired("another person signed in than the hint names")
    if wish.acr.is_essential and session.acr < wish.acr.target:
        raise Unmet("the sign-in did not reach the acr that is essential")


def _require_own_grant(wish: Wish, session: CitizenSession) -> None:
    own = {"citizen_id": session.citizen_id, "actor_id": session.actor_id}
    asking.require_own(wish.said, wish.public_service, **own)


def _asked(visit: Visit, session: CitizenSession) -> Asked:
    wish = visit.wish
    return Asked(
        request_id=visit.pending.id if visit.pending else None,
        citizen_id=session.citizen_id,
        actor_id=session.actor_id,
        account_level=session.account_level,
        auth_level=session.acr,
        public_service_id=wish.public_service.id,
        procedures=wish.public_service.procedures,
        scopes=wish.scopes,
        details=wish.details,
        must_ask="consent" in wish.prompts,
        outcome=visit.pending.outcome if visit.pending else None,
    )


def _ask_to_sign_in(visit: Visit) -> Response:
    if visit.wish.is_silent:
        raise LoginRequired("the person has to sign in first")
    return _go(f"/sign-in?request={_stored(visit).hex}")


def _ask_to_decide(visit: Visit, session: CitizenSession, *, ask: Ask) -> Response:
    if visit.wish.is_silent:
        raise ConsentRequired("the person has to decide first")
    if visit.pending is not None:
        return _go(ask.path)
    waiting = pending.find(_stored(visit), visit.browser_digest())
    again = approval.asked().review(_asked(replace(visit, pending=waiting), session))
    # Decided elsewhere between two looks: the stored request is looked at once more.
    return _go(again.path if isinstance(again, Ask) else _way_on(waiting))


def _way_on(waiting: Pending | None) -> str:
    return f"/authorize?request={waiting.id.hex}" if waiting else "/my"


def _step_up(visit: Visit, session: CitizenSession, *, needed: StepUp) -> Response:
    is_enough = needed.account_level <= session.account_level  # so it is the sign-in that is not
    if not is_enough or needed.auth_level > acr.ATTAINABLE or visit.is_fresh:
        raise Unmet("the procedure needs a stronger sign-in or account than this person has")
    return _ask_to_sign_in(visit)


def _stored(visit: Visit) -> uuid.UUID:
    if visit.pending is not None:
        return visit.pending.id
    return pending.keep(visit.wish, visit.browser_digest())


def _send_code(visit: Visit, session: CitizenSession, *, approved: Approved) -> Response | Posted:
    request_id = visit.pending.id if visit.pending else None
    code = answering.issue(visit.wish, session, approved=approved, request_id=request_id)
    return response_modes.send(visit.wish, {"code": code})


def _send_back(visit: Visit, refusal: Refusal) -> Response | Posted:
    answering.close(visit.wish, visit.pending.id if visit.pending else None)
    return response_modes.refuse(visit.wish, refusal)


def _go(path: str) -> Response:
    return Response(303, b"", (("Location", path), *NO_STORE))
