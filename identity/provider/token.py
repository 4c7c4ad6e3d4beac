"""The token endpoint, RFC 6749 §3.2."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import fields, validate

from identity.binding import dpop
from identity.binding.dpop import InvalidDpopProof, Proof, UseDpopNonce
from identity.described import Answer, Told
from identity.doors import Door, Request
from identity.errors import (
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    UnauthorizedClient,
    UnsupportedGrantType,
    tell,
)
from identity.granted import details
from identity.messages import NO_STORE, Response, json_response
from identity.parameters import Parameter
from identity.provider import client_credentials
from identity.public_services import credentials
from identity.public_services.guard import authenticated
from identity.public_services.registered import Registered
from identity.tokens import codes, families, pkce, refresh
from identity.tokens.families import Asker

MOST_SCOPE = 1_000  # characters
Said = Mapping[str, str]


def token(request: Request, service: Registered) -> Response:
    """A grant is exchanged for tokens; the bytes leave after what they stand for is committed."""
    form = request.form
    if form.repeated():  # RFC 6749 §3.2
        raise InvalidRequest("each parameter may be sent only once")
    grant_type = form.required("grant_type")
    grant = GRANTS.get(grant_type)
    if grant is None:
        raise UnsupportedGrantType("this grant type is not offered here")
    if grant_type not in service.grant_types:
        raise UnauthorizedClient("this public service is not registered for that grant type")
    if form.one(_DETAILS.name) is not None:
        # RFC 9396 §6: to leave it unread would give more than was asked for.
        raise details.InvalidAuthorizationDetails(
            "the details of a token are those of its authorization"
        )
    said = form.read(grant.takes)
    proof = _proof(request, service)
    asker = Asker(service, request.request_id, proof.key if proof else None)
    headers = NO_STORE + (proof.headers if proof else ())
    return json_response(grant.exchange(said, asker), headers=headers)


def _proof(request: Request, service: Registered) -> Proof | None:
    """The key that the tokens will be bound to; null: to none."""
    proof = dpop.find(request)
    if proof is None and service.dpop_bound:  # RFC 9449 §5.2
        raise InvalidDpopProof("the tokens of this public service are bound: send a DPoP proof")
    return proof


def _code(said: Said, asker: Asker) -> dict[str, Any]:
    verifier = said.get("code_verifier")
    if verifier is not None and not pkce.is_verifier(verifier):
        raise InvalidGrant(codes.REFUSED, note="code: no verifier")
    redemption = codes.Redemption(said["code"], said["redirect_uri"], verifier, asker.sender_key)
    bought = codes.redeem(redemption, asker)
    return families.answer(
        bought.standing,
        asker,
        refresh_token=bought.refresh_token,
        nonce=bought.standing.earned.nonce,
    )


def _refresh(said: Said, asker: Asker) -> dict[str, Any]:
    scope = _scope(said)
    bought = refresh.refresh(said["refresh_token"], asker, scope=scope)
    # OIDC Core §12.2: the new ID token has the same `auth_time`, and no nonce.
    return families.answer(bought.standing, asker, only=scope, refresh_token=bought.refresh_token)


def _client(said: Said, asker: Asker) -> dict[str, Any]:
    return client_credentials.grant(asker, scope=_scope(said))


def _scope(said: Said) -> tuple[str, ...]:
    return tuple(dict.fromkeys(said.get("scope", "").split()))


@dataclass(frozen=True, slots=True)
class Grant:
    """One grant type: what it takes beside the service's credentials, and what it does."""

    exchange: Callable[[Said, Asker], dict[str, Any]]
    takes: tuple[Parameter, ...]


_SCOPE = Parameter(
    name="scope",
    meaning="fewer scopes than were granted, or of a service itself; left out: all of them",
    longest=MOST_SCOPE,
    example="openid profile",
)
_DETAILS = Parameter(name="authorization_details", meaning="refused: invalid_authorization_details")
GRANTS: Mapping[str, Grant] = {
    "authorization_code": Grant(
        _code,
        (
            Parameter(name="code", meaning="from the redirect, once", is_required=True),
            Parameter(
                name="redirect_uri",
                meaning="the one that the code was sent to, letter for letter",
                is_required=True,
                example="https://service.example/callback",
            ),
            Parameter(
                name="code_verifier",
                meaning="answers the code_challenge: RFC 7636 section 4.1",
                pattern=f"^{pkce.VERIFIER}$",
                example="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            ),
        ),
    ),
    "refresh_token": Grant(
        _refresh,
        (
            Parameter(name="refresh_token", meaning="the newest of its family", is_required=True),
            _SCOPE,
        ),
    ),
    "client_credentials": Grant(_client, (_SCOPE,)),
}


def _form(name: str) -> tuple[Parameter, ...]:
    kind = Parameter(
        name="grant_type",
        meaning="what is exchanged",
        is_required=True,
        one_of=(name,),
        example=name,
    )
    return (kind, *GRANTS[name].takes, _DETAILS, *credentials.PARAMETERS)


BOUGHT = Told.from_dict(
    {
        "access_token": fields.String(required=True),
        "token_type": fields.String(required=True, validate=validate.OneOf(("Bearer", "DPoP"))),
        "expires_in": fields.Integer(required=True),
        "scope": fields.String(),
        "authorization_details": details.GRANTED,
        "id_token": fields.String(),
        "refresh_token": fields.String(),
    },
    name="Tokens",
)
DOORS = (
    Door(
        method="POST",
        path="/token",
        function=token,
        guard=authenticated,
        refusals=tell,
        summary="Exchange a code or refresh token, or the service's own credentials",
        form=tuple(_form(name) for name in GRANTS),
        answers={200: Answer("the tokens: RFC 6749 section 5.1", BOUGHT)},
        refuses=(
            InvalidGrant,
            UnauthorizedClient,
            UnsupportedGrantType,
            InvalidScope,
            InvalidDpopProof,
            UseDpopNonce,
            details.InvalidAuthorizationDetails,
        ),
    ),
)
