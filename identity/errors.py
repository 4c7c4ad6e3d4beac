"""One family of refusals, and its four ways home: tell, explain, show, send back.

A refusal is an answer, not an accident: `detail` is for the program that called and says what to
do, in English; `sentence` tells a person in their language; `note` is for our log. `code` is the
word of RFC 6749 and its sisters, `slug` names it in docs/errors.md and on the page `/docs`.
"""

import re
from typing import Any, ClassVar

import structlog
from flask import make_response, render_template
from flask.wrappers import Response as PageResponse

from identity import meters, settings
from identity.messages import NO_STORE, Headers, Response, json_response

log = structlog.get_logger(__name__)
URN = "urn:motlan:error:"
SAYABLE = r"[\x20\x21\x23-\x5B\x5D-\x7E]+"  # RFC 6749 §5.2: the characters of a description
_SAYABLE = re.compile(SAYABLE)


class Refusal(Exception):
    """What was asked will not be done."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "invalid_request"
    slug: ClassVar[str] = "invalid-request"
    title: ClassVar[str] = "The request is not valid"
    sentence: str = ""  # empty: the page knows one for its kind

    def __init__(self, detail: str, *, note: str = "", headers: Headers = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.note = note
        self.headers = headers

    @property
    def told(self) -> str:
        """The detail for a program; its title, should it hold what no program may be sent."""
        return self.detail if _SAYABLE.fullmatch(self.detail) else self.title


class InvalidRequest(Refusal):
    """A parameter is missing, repeated or not understood (RFC 6749 §5.2)."""


class InvalidClient(Refusal):
    """The public service did not prove who it is (RFC 6749 §5.2)."""

    status, code, slug = 401, "invalid_client", "invalid-client"
    title = "The public service is not authenticated"


class InvalidGrant(Refusal):
    """The code or refresh token is wrong, spent, late or another's (RFC 6749 §5.2)."""

    code, slug = "invalid_grant", "invalid-grant"
    title = "The code or refresh token cannot be used"


class UnauthorizedClient(Refusal):
    """This public service may not use this grant type (RFC 6749 §5.2)."""

    code, slug = "unauthorized_client", "unauthorized-client"
    title = "The public service may not do this"


class UnsupportedGrantType(Refusal):
    """The grant type is not offered here (RFC 6749 §5.2)."""

    code, slug = "unsupported_grant_type", "unsupported-grant-type"
    title = "The grant type is not offered"


class InvalidScope(Refusal):
    """The scope is unknown, or more than was granted (RFC 6749 §5.2)."""

    code, slug = "invalid_scope", "invalid-scope"
    title = "The scope is not valid"


class AccessDenied(Refusal):
    """Whoever asks may not have it."""

    status, code, slug = 403, "access_denied", "access-denied"
    title = "Access is denied"


class InvalidToken(Refusal):
    """The access token is missing, forged, late or ended (RFC 6750 §3.1)."""

    status, code, slug = 401, "invalid_token", "invalid-token"
    title = "The access token cannot be used"


class InsufficientScope(Refusal):
    """The access token does not reach this far (RFC 6750 §3.1)."""

    status, code, slug = 403, "insufficient_scope", "insufficient-scope"
    title = "The access token does not allow this"


class NotFound(Refusal):
    """There is no such thing, or it is another's: the two look the same."""

    status, code, slug = 404, "not_found", "not-found"
    title = "There is nothing here"


class MethodNotAllowed(Refusal):
    """The path exists, the method does not."""

    status, code, slug = 405, "method_not_allowed", "method-not-allowed"
    title = "The method is not allowed"


class BodyTooLarge(Refusal):
    """More was sent than this path takes."""

    status, code, slug = 413, "body_too_large", "body-too-large"
    title = "The request is too large"


class UnsupportedMediaType(Refusal):
    """The body's content type is not the one this path takes."""

    status, code, slug = 415, "unsupported_media_type", "unsupported-media-type"
    title = "The content type is not supported"


class TooManyRequests(Refusal):
    """Slower, please; `Retry-After` says when."""

    status, code, slug = 429, "too_many_requests", "too-many-requests"
    title = "Too many requests"


class LogUnavailable(Refusal):
    """The log or the database cannot be written, so nothing is disclosed (design §2.1)."""

    status, code, slug = 503, "temporarily_unavailable", "log-unavailable"
    title = "The service cannot answer now"


class ServerError(Refusal):
    """A mistake of ours; the reference leads to it in our log."""

    status, code, slug = 500, "server_error", "server-error"
    title = "Something went wrong here"


def unavailable() -> LogUnavailable:
    """The refusal for a database that cannot be written or reached."""
    return LogUnavailable("nothing was done; try again in a few seconds", headers=RETRY_SOON)


RETRY_SOON: Headers = (("Retry-After", "5"),)


def family() -> list[type[Refusal]]:
    """Every refusal there is, for docs/errors.md and the tests that hold it true."""
    found: list[type[Refusal]] = []
    waiting = [Refusal]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting += kind.__subclasses__()
    return found


def by_slug() -> dict[str, list[type[Refusal]]]:
    """The same by the name that programs read, in order; kinds of one name differ in status."""
    found: dict[str, list[type[Refusal]]] = {}
    for kind in sorted(family(), key=lambda kind: (kind.slug, kind.status)):
        found.setdefault(kind.slug, []).append(kind)
    return found


def _noted(refusal: Refusal) -> None:
    meters.REFUSALS.labels(refusal.slug).inc()
    log.info("refused", slug=refusal.slug, note=refusal.note or refusal.detail)


def page(slug: str) -> str:
    """Where people read what it means: RFC 6749 §5.2."""
    return f"{settings.current().issuer}/docs#{slug}"


def tell(refusal: Refusal) -> Response:
    """To a program of the OAuth family: the JSON error of RFC 6749 §5.2."""
    _noted(refusal)
    body = {
        "error": refusal.code,
        "error_description": refusal.told,
        "error_uri": page(refusal.slug),
    }
    return json_response(body, refusal.status, headers=NO_STORE + refusal.headers)


def explain(refusal: Refusal, **members: Any) -> Response:  # noqa: ANN401 - JSON members
    """To a program of our own API: problem details, RFC 9457 §3."""
    _noted(refusal)
    body = {
        "type": URN + refusal.slug,
        "title": refusal.title,
        "status": refusal.status,
        "detail": refusal.told,
        **members,
    }
    answer = json_response(body, refusal.status, headers=NO_STORE + refusal.headers)
    problem = ("Content-Type", "application/problem+json")
    return Response(answer.status, answer.body, (problem, *answer.headers[1:]))


def show(refusal: Refusal) -> PageResponse:
    """To a person: the page in place, with its status and `#error`."""
    _noted(refusal)
    page = make_response(render_template("error.html", refusal=refusal), refusal.status)
    page.headers["Cache-Control"] = "no-store"
    page.headers.extend(refusal.headers)
    return page


def sent_back(refusal: Refusal) -> dict[str, str]:
    """To a public service through the person's browser: RFC 6749 §4.1.2.1."""
    _noted(refusal)
    return {"error": refusal.code, "error_description": refusal.told}
