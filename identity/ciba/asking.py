"""What a request may say, CIBA Core §7.1 and §7.2: read whole before anybody is looked for."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from identity import clock
from identity.ciba import hints
from identity.ciba.requests import KIND, New
from identity.errors import InvalidRequest, Refusal
from identity.parameters import Parameter
from identity.polled.ways import Polled
from identity.public_services.registered import PING, Registered
from identity.requested import requests, rules
from identity.requested.wish import PARAMETERS

LIFETIME = timedelta(minutes=5)
LONGEST_LIFE = timedelta(minutes=10)
LONGEST_MESSAGE = 60  # characters; it stands beside a screen or a voice that says the same
_WISHES = ("scope", "authorization_details", "acr_values", "resource", "ui_locales")
TAKES = (
    # In a signed request each of them stands in the object.
    *(
        replace(row, is_required=False)
        for row in PARAMETERS
        if row.name in (*_WISHES, "id_token_hint")
    ),
    Parameter(name="login_hint", meaning="the personal number; one hint is required", longest=100),
    Parameter(name="login_hint_token", meaning="refused: not offered", longest=8192),
    Parameter(
        name="binding_message",
        meaning=f"shown to the person exactly; at most {LONGEST_MESSAGE} characters",
        longest=1024,
        example="Desk 3, number 127",
    ),
    Parameter(
        name="requested_expiry",
        meaning="seconds; 300 unless said, at most 600",
        longest=10,
        pattern="^[1-9][0-9]*$",
    ),
    Parameter(
        name="client_notification_token",
        meaning="for ping: at least 128 bits, shown to the service's own endpoint",
        longest=1024,
        pattern="^[A-Za-z0-9._~+/-]{22,1024}=*$",
    ),
)
# RFC 6750 §2.1; 22 characters of base64url are 128 bits.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{22,1024}=*")


class InvalidBindingMessage(Refusal):
    """It would not be seen as it was sent (CIBA Core §13)."""

    code, slug = "invalid_binding_message", "invalid-binding-message"
    title = "The binding message cannot be shown"


def read(said: Mapping[str, str], service: Registered) -> New:
    """The request, every rule held.

    Raises:
        Refusal: the first that does not hold, in the words of CIBA Core §13.
    """
    if "scope" not in said:
        raise InvalidRequest("scope is required")
    until = clock.now() + _lifetime(said.get("requested_expiry"))
    wished = {name: said[name] for name in _WISHES if name in said}
    wished["client_id"] = service.client_id
    rules.check(requests.reread(wished, polled=Polled(KIND, b"", until)))
    message = said.get("binding_message")
    if message is not None and not _is_shown_exactly(message):
        raise InvalidBindingMessage(f"send at most {LONGEST_MESSAGE} visible characters")
    hinted = hints.read(said, service)
    return New(
        service=service,
        said=wished,
        binding_message=message,
        until=until,
        notification_token=_token(said, service),
        citizen_id=hinted.citizen_id,
        hinted=hinted.by,
    )


def _lifetime(text: str | None) -> timedelta:
    if text is None:
        return LIFETIME
    if not (text.isascii() and text.isdecimal()) or int(text) == 0:
        raise InvalidRequest("requested_expiry is a positive whole number of seconds")
    return min(timedelta(seconds=int(text)), LONGEST_LIFE)


def _is_shown_exactly(message: str) -> bool:
    """Composed, visible, and not so long that anybody would read half of it."""
    return (
        0 < len(message) <= LONGEST_MESSAGE
        and message.isprintable()
        and message == message.strip()
        and unicodedata.normalize("NFC", message) == message
    )


def _token(said: Mapping[str, str], service: Registered) -> str | None:
    """What the service is told by; null: it polls, and what it sent has no effect."""
    if service.delivery_mode != PING:
        return None
    token = said.get("client_notification_token", "")
    if not _TOKEN.fullmatch(token):
        raise InvalidRequest("client_notification_token is a bearer token of 128 bits or more")
    return token
