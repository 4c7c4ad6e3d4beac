"""Sign-out that a public service asks for, OpenID Connect RP-Initiated Logout 1.0."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from identity import sealing
from identity.errors import InvalidRequest, InvalidToken
from identity.parameters import Parameter, Parameters
from identity.public_services import registered
from identity.public_services.registered import Registered
from identity.signing import tokens

PURPOSE = "end-session"
LONGEST_STATE = 1024
# What is read; every other parameter, logout_hint among them, is ignored.
PARAMETERS = (
    Parameter(
        name="id_token_hint",
        meaning="an ID token of ours for this service, old or not; without it nobody is led back",
    ),
    Parameter(name="client_id", meaning="if sent, the one that id_token_hint was issued to"),
    Parameter(
        name="post_logout_redirect_uri",
        meaning="where the browser goes afterwards; registered, letter for letter",
        example="https://service.example/signed-out",
    ),
    Parameter(name="state", meaning="given back unchanged", longest=LONGEST_STATE),
    Parameter(name="ui_locales", meaning="languages of the page, best first", example="vi en"),
)


class InvalidLogout(InvalidRequest):
    """A sign-out request that names nothing certain: a page, never a redirect."""

    slug = "invalid-logout"
    title = "This request is not valid"


@dataclass(frozen=True, slots=True)
class SignOut:
    """A checked request: who asks, and where the browser may go afterwards."""

    client_id: str | None = None  # null: it was not said, or is not proven
    way_back: str | None = None  # null: a page of ours says that it is done
    ui_locales: tuple[str, ...] = ()


def read(parameters: Parameters) -> SignOut:
    """What the request asks for.

    The way back needs an ID token of ours, as old as it may be: without one anybody could use
    our address to lead people on.

    Raises:
        InvalidLogout: a hint that is not ours or another service's, a client_id that is not the
            hint's, or an address that is not registered to the letter.
    """
    try:
        said = parameters.read(PARAMETERS)
    except InvalidRequest as fault:
        raise InvalidLogout(fault.detail) from None
    locales = tuple(said.get("ui_locales", "").split())
    hint = said.get("id_token_hint")
    if hint is None:
        return SignOut(ui_locales=locales)
    service = _service(hint, said.get("client_id"))
    way_back = _way_back(said, service)
    return SignOut(service.client_id, way_back, locales)


def seal(sign_out: SignOut) -> str:
    """The checked request as the form carries it: nobody can change it on the way."""
    told = [sign_out.client_id, sign_out.way_back, list(sign_out.ui_locales)]
    return sealing.ring().seal_token(PURPOSE, json.dumps(told).encode())


def unseal(text: str) -> SignOut:
    """What `seal` hid.

    Raises:
        InvalidLogout: it is not ours.
    """
    try:
        client_id, way_back, locales = json.loads(sealing.ring().open_token(PURPOSE, text))
    except sealing.Unreadable:
        raise InvalidLogout("open the sign-out page again") from None
    return SignOut(client_id, way_back, tuple(locales))


def service_name(sign_out: SignOut, language: str) -> str | None:
    """Who asks, as people know it; null: it is not proven."""
    found = registered.find(sign_out.client_id) if sign_out.client_id else None
    return found.name(language) if found else None


def _service(hint: str, client_id: str | None) -> Registered:
    try:
        audience = tokens.read_id_token_hint(hint).public_service
    except InvalidToken:
        raise InvalidLogout("id_token_hint is not an ID token of ours") from None
    service = registered.find(audience)
    if service is None or not service.is_active:
        raise InvalidLogout("id_token_hint was issued to a service that is gone")
    if client_id not in (None, service.client_id):
        raise InvalidLogout("client_id is not the one that id_token_hint was issued to")
    return service


def _way_back(said: Mapping[str, str], service: Registered) -> str | None:
    uri, state = said.get("post_logout_redirect_uri"), said.get("state")
    if uri is None:
        return None
    if uri not in service.post_logout_redirect_uris:
        raise InvalidLogout("post_logout_redirect_uri is not registered, to the letter")
    if state is None:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode({'state': state})}"
