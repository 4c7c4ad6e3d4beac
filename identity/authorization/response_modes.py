"""How an answer travels: in the query, or as a form (OAuth 2.0 Form Post Response Mode)."""

from collections.abc import Mapping
from dataclasses import dataclass

from identity import errors, settings
from identity.errors import Refusal
from identity.messages import Response
from identity.requested.wish import Wish


@dataclass(frozen=True, slots=True)
class Posted:
    """An answer that the person's browser posts; the page with its form has a button."""

    redirect_uri: str
    params: Mapping[str, str]


def send(wish: Wish, params: Mapping[str, str]) -> Response | Posted:
    """The answer goes back as was asked, with the issuer and the state of its request."""
    told = {**params, "iss": settings.current().issuer}  # RFC 9207 §2
    if wish.state is not None:
        told["state"] = wish.state
    if wish.response_mode == "form_post":
        return Posted(wish.redirect_uri, told)
    return errors.redirection(wish.redirect_uri, told)


def refuse(wish: Wish, refusal: Refusal) -> Response | Posted:
    """An error goes the same way (RFC 6749 §4.1.2.1)."""
    return send(wish, errors.sent_back(refusal))
