"""Authorization requests that wait for a person: ten minutes, one browser, one answer.

They wait longer for who must first activate an account (decision 0030).
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from identity import clock, database
from identity.errors import NotFound, Refusal
from identity.granted.approval import Detail
from identity.polled.ways import Polled
from identity.public_services.registered import Registered
from identity.requested import request_records, requests
from identity.requested.wish import Wish
from identity.together import look, together

LIFETIME = timedelta(minutes=10)
OBJECT, GIVEN = "request", "given"
# What may stand in a Content-Security-Policy; a redirect URI is registered text of others.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*:(//[a-z0-9.:\[\]-]+)?")


class AlreadyAnswered(Refusal):
    """The request has its answer, or its ten minutes are over: it gets no second one."""

    status, code, slug = 409, "invalid_request", "already-answered"
    title = "This request is over"


class RequestOver(NotFound):
    """Late, unknown, or opened in another browser: there is nothing here to go on with."""

    slug = "request-over"
    title = "This request is over"


@dataclass(frozen=True)
class Pending:
    """A stored request. Its params are what was sent; they are checked again when used."""

    id: uuid.UUID
    wish: Wish
    created_at: datetime
    expires_at: datetime
    answered_at: datetime | None  # null: no code and no error was sent yet
    outcome: dict[str, Any] | None  # what the person has decided so far; null: nothing

    @property
    def public_service(self) -> Registered:
        """Who asks."""
        return self.wish.public_service

    @property
    def params(self) -> dict[str, str]:
        """What was sent, names as on the wire."""
        return dict(self.wish.said)

    @property
    def details(self) -> tuple[Detail, ...]:
        """The procedures asked for."""
        return self.wish.details

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes asked for, as far as they are offered."""
        return self.wish.scopes

    @property
    def ui_locales(self) -> tuple[str, ...]:
        """The languages that its pages should try, for `flask.g.ui_locales`."""
        return self.wish.ui_locales

    @property
    def is_answered(self) -> bool:
        """Whether nothing more can be decided about it."""
        return self.answered_at is not None


def keep(wish: Wish, browser_digest: bytes | None) -> uuid.UUID:
    """The request waits for this browser; null: for the first one that opens it."""
    request_id, at = database.new_id(), clock.now()
    row = {
        "id": request_id,
        "browser": browser_digest or request_records.NOBODY,
        "service": wish.public_service.id,
        "params": kept(wish),
        "now": at,
        "expires": at + LIFETIME,
        "pushed": wish.pushed,
        "polled": wish.polled and wish.polled.stored(),
    }
    together(request_records.store(row))
    return request_id


def kept(wish: Wish) -> dict[str, str]:
    """What is stored: that a name was hinted at counts, and the name may be a personal number.

    Of an object only that there was one: it is checked once, when it comes.
    """
    said = {n: GIVEN if n == "login_hint" else value for n, value in wish.said.items()}
    return said | {OBJECT: GIVEN} if wish.in_object else said


def reread(
    stored: Mapping[str, str], *, pushed: bytes | None, polled: Polled | None = None
) -> Wish:
    """The wish that `kept` stored, against the registration as it is now.

    Raises:
        NotSentBack: its public service or redirect URI is registered no longer.
    """
    said = {name: value for name, value in stored.items() if name != OBJECT}
    return requests.reread(said, pushed=pushed, polled=polled, in_object=OBJECT in stored)


def find(request_id: uuid.UUID, browser_digest: bytes) -> Pending | None:
    """The request, if it waits for this browser and its time is not over, answered or not."""
    answer = look(request_records.find(request_id, browser_digest))
    if answer is None:
        return None
    return Pending(
        id=request_id,
        wish=reread(
            answer["pending.params"],
            pushed=answer["pending.pushed_digest"],
            polled=Polled.read(answer["pending.polled"]),
        ),
        created_at=answer["pending.created_at"],
        expires_at=answer["pending.expires_at"],
        answered_at=answer["pending.answered_at"],
        outcome=answer["pending.outcome"],
    )


def open_in(request_id: uuid.UUID, browser_digest: bytes) -> Pending:
    """The request opens in this browser, and from now on in no other.

    Raises:
        RequestOver: late, unknown, or another browser's; the three look the same.
        NotSentBack: its public service or redirect URI is registered no longer.
    """
    found = find(request_id, browser_digest)
    if found is None and together(request_records.bind(request_id, browser_digest)) is not None:
        found = find(request_id, browser_digest)
    if found is None:
        raise RequestOver("this request is over; start again at the public service")
    return found


def wait(request_id: uuid.UUID, browser_digest: bytes, *, until: datetime) -> None:
    """The request is not over before `until`, and then there is its usual time to decide.

    Only where it waits in this browser, and for an hour in all.
    """
    together(request_records.wait(request_id, browser_digest, until=until + LIFETIME))


def decide(request_id: uuid.UUID, outcome: dict[str, Any]) -> None:
    """What the person decided is kept with the request, inside the decision's transaction.

    `outcome["citizen"]` says whose decision it is: once for each person, so that somebody else
    who signs in meanwhile decides for themselves.

    Raises:
        AlreadyAnswered: that person has decided, or nothing waits for it any more.
    """
    if together(request_records.decide(request_id, outcome)) is None:
        raise AlreadyAnswered("this request has been answered already")


def answer(request_id: uuid.UUID) -> None:
    """From now on the request is answered, inside the transaction of its answer.

    Raises:
        AlreadyAnswered: it was before: the back button, a second click, or too late.
    """
    if together(request_records.answer(request_id)) is None:
        raise AlreadyAnswered("this request has been answered already")


def form_target(pending: Pending) -> str:
    """Where a form of this request's pages may lead in the end, for `flask.g.form_target`.

    The registered redirect origin (design §8); empty where it is nothing that a policy names.
    """
    return origin(pending.wish.redirect_uri)


def origin(uri: str) -> str:
    """The origin of an address, or its scheme alone where it is an app's own."""
    parts = urlsplit(uri)
    text = f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"
    return text if _ORIGIN.fullmatch(text) else ""
