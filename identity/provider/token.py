"""The token endpoint, RFC 6749 §3.2."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate

from identity.binding import senders
from identity.binding.dpop import InvalidDpopProof, UseDpopNonce
from identity.described import Answer, Told
from identity.doors import Door, Request, always
from identity.errors import (
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    UnauthorizedClient,
    UnsupportedGrantType,
    tell,
)
from identity.granted import details, resources
from identity.granted.approval import Refused
from identity.messages import NO_STORE, Response, json_response
from identity.parameters import Parameter
from identity.polled.polls import AuthorizationPending, ExpiredToken, SlowDown
from identity.provider.grant_types import GRANTS, WITHOUT_ID_TOKEN, Grant
from identity.public_services import credentials, encryption
from identity.public_services.guard import authenticated
from identity.public_services.registered import Registered
from identity.tokens.families import Asker

# RFC 9396 §6: it would narrow what is bought, and left unread it would give more than was asked.
_DETAILS = Parameter(name="authorization_details", meaning="refused: invalid_authorization_details")


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
    if form.one(_DETAILS.name) is not None and not _takes_details(grant):
        # RFC 9396 §6: to leave it unread would give more than was asked for.
        raise details.InvalidAuthorizationDetails(
            "the details of a token are those of its authorization"
        )
    said = form.read(grant.takes)
    if grant_type not in WITHOUT_ID_TOKEN:  # before anything is spent
        encryption.require_key(service, service.id_token_encryption)
    proof = senders.find(request, service)
    if proof is not None and not grant.spends_proof:
        proof.spend()
    asker = Asker(service, request.request_id, proof)
    headers = NO_STORE + (proof.headers if proof else ())
    told = grant.exchange(said, asker)
    asker.spend_proof()  # it is by now; whatever a grant forgot, no answer leaves without
    return json_response(told, headers=headers)


def _takes_details(grant: Grant) -> bool:
    return any(row.name == _DETAILS.name for row in grant.takes)


def _form(name: str) -> tuple[Parameter, ...]:
    kind = Parameter(
        name="grant_type",
        meaning="what is exchanged",
        is_required=True,
        one_of=(name,),
        example=name,
    )
    refused = () if _takes_details(GRANTS[name]) else (_DETAILS,)
    return (kind, *GRANTS[name].takes, *refused, *credentials.PARAMETERS)


def _is_brief(body: bytes, environ: Mapping[str, Any]) -> bool:
    """A token for the service itself: what proves it is remembered, and nothing is stored."""
    if b"client_credentials" not in body or b"client_assertion" in body:
        return False
    return environ.get("HTTP_DPOP") is None


BOUGHT = Told.from_dict(
    {
        "access_token": fields.String(required=True),
        "issued_token_type": fields.String(),
        "token_type": fields.String(required=True, validate=validate.OneOf(("Bearer", "DPoP"))),
        "expires_in": fields.Integer(required=True),
        "scope": fields.String(),
        "authorization_details": details.GRANTED,
        "id_token": fields.String(),
        "refresh_token": fields.String(),
        "grant_id": fields.String(),
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
        is_brief=_is_brief,
        asks_once=always,
        summary="Exchange a code or token, or the service's own credentials",
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
            resources.InvalidTarget,
            AuthorizationPending,
            SlowDown,
            ExpiredToken,
            Refused,
        ),
    ),
)
