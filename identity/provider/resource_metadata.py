"""What our two protected resources are and take, RFC 9728: userinfo, and our API."""

import json
from typing import Any

from identity import errors, settings
from identity.binding import dpop
from identity.described import Answer
from identity.doors import Door, Request, anyone
from identity.granted import details
from identity.granted.resources import API_PATH, METADATA_PATH
from identity.messages import JSON, Response
from identity.public_services import credentials
from identity.public_services.client_certificate import SELF_SIGNED
from identity.public_services.registered import OF_SERVICES
from identity.requested.wish import OFFERED_SCOPES
from identity.signing import keys
from identity.signing.algorithms import ALGORITHMS

HEADERS = (*JSON, ("Cache-Control", "public, max-age=300"))


def publish(request: Request, _caller: object) -> Response:
    """The metadata of the resource that the path names, §3.1; from settings and keys alone."""
    told = metadata(
        settings.current().issuer,
        is_api=request.path.endswith(API_PATH),
        signing=keys.algorithms(),
        takes_certificates=SELF_SIGNED in credentials.offered(),
    )
    return Response(200, json.dumps(told, separators=(",", ":")).encode(), HEADERS)


def metadata(
    issuer: str,
    *,
    is_api: bool,
    signing: tuple[str, ...] = ALGORITHMS,
    takes_certificates: bool = True,
) -> dict[str, Any]:
    """What works there, §2."""
    told: dict[str, Any] = {
        "resource": issuer + API_PATH if is_api else issuer,
        "authorization_servers": [issuer],
        "bearer_methods_supported": ["header"] if is_api else ["header", "body"],
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
        "dpop_bound_access_tokens_required": False,  # each service for itself
        "tls_client_certificate_bound_access_tokens": takes_certificates,
        "resource_name": "Một Lần",
        "resource_documentation": f"{issuer}/docs",
    }
    if is_api:
        return told | {"authorization_details_types_supported": [details.TYPE]}
    signed = {"resource_signing_alg_values_supported": list(signing)}
    # A service's own token of this audience opens its grants, too (Grant Management §6.1).
    return told | signed | {"scopes_supported": [*OFFERED_SCOPES, *sorted(OF_SERVICES)]}


def _shape(*, is_api: bool) -> dict[str, Any]:
    texts = {"type": "array", "items": {"type": "string"}}
    kinds = {str: {"type": "string"}, bool: {"type": "boolean"}, list: texts}
    said = metadata("https://motlan.example", is_api=is_api)
    properties = {name: kinds[type(value)] for name, value in said.items()}
    needed = {"type": "object", "required": sorted(properties), "properties": properties}
    return needed | {"additionalProperties": False}


def _door(*, is_api: bool) -> Door:
    return Door(
        method="GET",
        path=METADATA_PATH + (API_PATH if is_api else ""),
        function=publish,
        guard=anyone,
        refusals=errors.tell,
        summary="What our API takes" if is_api else "What userinfo takes",
        answers={200: Answer("may be kept for a few minutes", _shape(is_api=is_api))},
    )


DOORS = (_door(is_api=False), _door(is_api=True))
