"""How an answer travels: in the query or as a form (Form Post), signed and encrypted (JARM)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote_plus

from identity import errors, settings
from identity.errors import Refusal
from identity.messages import NO_STORE, Response
from identity.polled import ways
from identity.public_services import encryption
from identity.requested.wish import MODES, Wish
from identity.signing import tokens


@dataclass(frozen=True, slots=True)
class Posted:
    """An answer that the person's browser posts; the page with its form has a button."""

    redirect_uri: str
    params: Mapping[str, str]


def send(wish: Wish, params: Mapping[str, str]) -> Response | Posted:
    """The answer goes back as was asked, with the issuer and the state of its request."""
    if wish.polled is not None:  # nobody waits behind a redirect: the person is told here
        polled = ways.of(wish.polled)
        page = polled.allowed_page if "code" in params else polled.refused_page
        return Response(303, b"", (("Location", page), *NO_STORE))
    told = {**params, "iss": settings.current().issuer}  # RFC 9207 §2
    if wish.state is not None:
        told["state"] = wish.state
    carrier, _, is_signed = _mode(wish).partition(".")
    if is_signed:
        told = {"response": _signed(wish, told)}
    if carrier == "form_post":
        return Posted(wish.redirect_uri, told)
    return _redirection(wish.redirect_uri, told)


def refuse(wish: Wish, refusal: Refusal) -> Response | Posted:
    """An error goes the same way (RFC 6749 §4.1.2.1)."""
    return send(wish, errors.sent_back(refusal))


def is_in_query(wish: Wish) -> bool:
    """Whether every answer is a plain redirect: nothing is signed, and no page is shown."""
    return wish.polled is None and _mode(wish) == MODES[0]


def _mode(wish: Wish) -> str:
    """The mode that was asked for; an error too travels in one that the service registered."""
    registered = wish.public_service.response_modes
    if not registered or wish.response_mode in registered:
        return wish.response_mode
    return next(mode for mode in MODES if mode in registered)


def _redirection(redirect_uri: str, params: Mapping[str, str]) -> Response:
    """A 303, so that a form's password is never posted on (RFC 9700 §4.12)."""
    joint = "&" if "?" in redirect_uri else "?"
    query = "&".join([f"{name}={_encoded(value)}" for name, value in params.items()])
    return Response(303, b"", (("Location", redirect_uri + joint + query), *NO_STORE))


def _encoded(value: str) -> str:
    """As a form says it; most values are nothing but what needs no encoding."""
    return value if _UNRESERVED.fullmatch(value) else _escaped(value)


# Our own name stands in every answer; of what else has to be escaped, the last few are kept.
_escaped = lru_cache(maxsize=64)(quote_plus)
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]*")


def _signed(wish: Wish, told: Mapping[str, str]) -> str:
    service = wish.public_service
    signed = tokens.sign_answer(
        told, public_service=service.client_id, alg=service.authorization_alg
    )
    return encryption.encrypted(signed, service.authorization_encryption, service=service)
