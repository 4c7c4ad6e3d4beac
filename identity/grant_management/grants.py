"""The grant management endpoint, Grant Management for OAuth 2.0 §6: query and revoke."""

import uuid
from typing import Any

from marshmallow import fields

from identity.clock import minute
from identity.database import transaction
from identity.described import Answer, Told
from identity.doors import Door, Request
from identity.errors import NotFound, tell
from identity.granted import details
from identity.granted import grants as live
from identity.granted.claims import CLAIM, claims_of, granted_scopes, told
from identity.granted.claims import details as granted_details
from identity.granted.grants import Grant
from identity.managed import names, rewriting
from identity.messages import NO_STORE, Response, json_response
from identity.provider.guard import Presented, access_token, dead
from identity.public_services.registered import GRANT_QUERY, GRANT_REVOKE
from identity.tokens import liveness
from identity.tokens.families import Asker


class NoSuchGrant(NotFound):
    """Unknown, ended, or another service's: the three look the same (§6.6)."""

    slug = "no-such-grant"
    title = "There is no such grant"


def query(request: Request, presented: Presented) -> Response:
    """What the grant holds at this moment; no token, no value and no person (§6.4).

    Raises:
        NoSuchGrant: this public service holds none of that name.
        InvalidToken: the token was revoked.
    """
    found = _found(request, presented)
    return json_response(_told(found), headers=NO_STORE)


def revoke(request: Request, presented: Presented) -> Response:
    """The grant and all its tokens are dead, and so is what no other grant carries (§6.5).

    Raises:
        NoSuchGrant: this public service holds none of that name.
        InvalidToken: the token was revoked.
    """
    found = _found(request, presented)
    with transaction():
        was_alive = rewriting.give_back(found.citizen_id, found.id)
    if not was_alive:
        raise _none()
    return Response(204, b"", NO_STORE)


def _found(request: Request, presented: Presented) -> Grant:
    asker = Asker(presented.service, request.request_id)
    if not liveness.client_alive(presented.jti, asker):
        raise dead("revoked")
    named = names.find(request.params["grant_id"])
    found = named and live.find_grant(*named)
    if not found or not found.is_active or not _is_of(found, presented.service.id):
        raise _none()
    return found


def _is_of(grant: Grant, public_service_id: uuid.UUID) -> bool:
    return grant.public_service_id == public_service_id


def _none() -> NoSuchGrant:
    return NoSuchGrant("this public service holds no grant of that name")


def _told(grant: Grant) -> dict[str, Any]:
    in_force = grant.in_force()
    scopes = granted_scopes(grant.scope.split(), in_force)
    single = claims_of([scope for scope in scopes if scope.startswith(CLAIM)])
    return {
        "scopes": [{"scope": " ".join(told(scopes))}],
        "claims": sorted(single),
        "authorization_details": granted_details(in_force),
        "created_at": minute(grant.created_at),
        "last_updated_at": minute(grant.changed_at),
    }


TOLD = Told.from_dict(
    {
        "scopes": fields.List(
            fields.Nested(
                Told.from_dict({"scope": fields.String(required=True)}, name="GrantScope")
            ),
            required=True,
        ),
        "claims": fields.List(fields.String(), required=True),
        "authorization_details": details.GRANTED,
        "created_at": fields.String(required=True),
        "last_updated_at": fields.String(required=True),
    },
    name="Grant",
)


def _guard(scope: str) -> Any:  # noqa: ANN401 - a guard of doors
    return access_token(audience=("issuer",), scopes=(scope,), needs_person=False)


DOORS = (
    Door(
        method="GET",
        path="/grants/<grant_id>",
        function=query,
        guard=_guard(GRANT_QUERY),
        refusals=tell,
        summary="Look at a grant of one's own",
        answers={200: Answer("what it holds now: Grant Management section 6.4", TOLD)},
        refuses=(NoSuchGrant,),
    ),
    Door(
        method="DELETE",
        path="/grants/<grant_id>",
        function=revoke,
        guard=_guard(GRANT_REVOKE),
        refusals=tell,
        summary="Give a grant back, with every token of it",
        answers={204: Answer("it has ended")},
        refuses=(NoSuchGrant,),
    ),
)
