"""The token endpoint, RFC 6749 §3.2."""

from collections.abc import Callable
from typing import Any

from identity import rate
from identity.doors import Door, Parameters, Request
from identity.errors import (
    InvalidGrant,
    InvalidRequest,
    UnauthorizedClient,
    UnsupportedGrantType,
    tell,
)
from identity.messages import NO_STORE, Response, json_response
from identity.provider import client_credentials, codes, families, pkce, refresh
from identity.provider.details import InvalidAuthorizationDetails
from identity.provider.families import Asker
from identity.public_services import credentials
from identity.public_services.registered import Registered

MOST_SCOPE = 1_000  # characters


def token(request: Request, service: Registered) -> Response:
    """A grant is exchanged for tokens; the bytes leave after what they stand for is committed."""
    form = request.form
    if form.repeated():  # RFC 6749 §3.2
        raise InvalidRequest("each parameter may be sent only once")
    grant_type = form.required("grant_type")
    exchange = GRANTS.get(grant_type)
    if exchange is None:
        raise UnsupportedGrantType("this grant type is not offered here")
    if grant_type not in service.grant_types:
        raise UnauthorizedClient("this public service is not registered for that grant type")
    if form.one("authorization_details") is not None:
        # RFC 9396 §6: to leave it unread would give more than was asked for.
        raise InvalidAuthorizationDetails("the details of a token are those of its authorization")
    return json_response(exchange(form, Asker(service, request.request_id)), headers=NO_STORE)


def _code(form: Parameters, asker: Asker) -> dict[str, Any]:
    verifier = form.one("code_verifier")
    if verifier is not None and not pkce.is_verifier(verifier):
        raise InvalidGrant(codes.REFUSED, note="code: no verifier")
    redemption = codes.Redemption(form.required("code"), form.required("redirect_uri"), verifier)
    bought = codes.redeem(redemption, asker)
    return families.answer(
        bought.standing,
        asker.service,
        refresh_token=bought.refresh_token,
        nonce=bought.standing.earned.nonce,
    )


def _refresh(form: Parameters, asker: Asker) -> dict[str, Any]:
    scope = _scope(form)
    bought = refresh.refresh(form.required("refresh_token"), asker, scope=scope)
    # OIDC Core §12.2: the new ID token has the same `auth_time`, and no nonce.
    return families.answer(
        bought.standing, asker.service, only=scope, refresh_token=bought.refresh_token
    )


def _client(form: Parameters, asker: Asker) -> dict[str, Any]:
    return client_credentials.grant(asker.service, scope=_scope(form))


def _scope(form: Parameters) -> tuple[str, ...]:
    asked = form.one("scope") or ""
    if len(asked) > MOST_SCOPE:
        raise InvalidRequest(f"scope has at most {MOST_SCOPE} characters")
    return tuple(dict.fromkeys(asked.split()))


GRANTS: dict[str, Callable[[Parameters, Asker], dict[str, Any]]] = {
    "authorization_code": _code,
    "refresh_token": _refresh,
    "client_credentials": _client,
}


def authenticated(request: Request) -> Registered:
    """The guard of the endpoints that public services call about their own tokens."""
    service = credentials.authenticate(request)
    rate.machines.take(service.client_id)
    return service


ERRORS = {400: "RFC 6749 §5.2", 401: "the public service did not prove who it is"}
DOORS = (
    Door(
        method="POST",
        path="/token",
        function=token,
        guard=authenticated,
        refusals=tell,
        summary="Exchange a code or refresh token, or the service's own credentials",
        answers={200: "RFC 6749 §5.1", **ERRORS},
    ),
)
