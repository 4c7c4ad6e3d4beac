"""Which credential each endpoint wants of its callers, as `openapi` draws it."""

from collections.abc import Mapping
from typing import Any

from identity import doors, errors
from identity.binding.dpop import NonceWanted, ProofRefused
from identity.described import Described
from identity.doors import Door
from identity.errors import Refusal
from identity.provider import introspection
from identity.public_services import credentials, guard
from identity.self_registration.client_configuration import manager
from identity.self_registration.client_registration import invited

# The refusals that come with a credential.
OF_CALLERS: Mapping[str | None, tuple[type[Refusal], ...]] = {
    None: (),
    "clientSecret": (errors.InvalidClient, errors.TooManyRequests),
    "accessToken": (
        errors.InvalidToken,
        errors.InsufficientScope,
        errors.TooManyRequests,
        ProofRefused,
        NonceWanted,
    ),
    "initialAccessToken": (errors.InvalidToken, errors.TooManyRequests),
    "registrationAccessToken": (errors.InvalidToken, errors.TooManyRequests),
}
SECURITY: Mapping[str, dict[str, Any]] = {
    "accessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "RFC 6750, RFC 9068: from /token, for a person who was sent to /authorize. "
        "One that is bound to a key comes as `Authorization: DPoP`, with a proof: RFC 9449; one "
        "that is bound to a certificate over a connection with that certificate: RFC 8705",
    },
    "clientSecret": {
        "type": "http",
        "scheme": "basic",
        "description": "RFC 6749 section 2.3.1. Services registered for another method send no "
        "header and prove themselves in the form, or by client_id in the form and the certificate "
        "of the connection (RFC 8705); nobody is served without one of these",
    },
    "initialAccessToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "RFC 7591 section 3: an operator of Một Lần gives it to an organisation",
    },
    "registrationAccessToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "RFC 7592 section 1.3: from the answer to a registration, for that service",
    },
}


_CREDENTIALS: Mapping[Any, str] = {
    **dict.fromkeys(
        (
            credentials.authenticate,
            guard.authenticated,
            guard.present,
            introspection.confidential,
        ),
        "clientSecret",
    ),
    invited: "initialAccessToken",
    manager: "registrationAccessToken",
}


def callers(one: Described) -> str | None:
    """Which credential it wants; null: none."""
    if not isinstance(one, Door) or one.guard is doors.anyone:
        return None
    return _CREDENTIALS.get(one.guard, "accessToken")
