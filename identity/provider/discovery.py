"""What this provider is and offers, OIDC Discovery §3 and RFC 8414 §2; its keys, RFC 7517 §5."""

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from identity import errors, settings
from identity.binding import dpop
from identity.described import KEYS, Answer
from identity.doors import Door, Function, Request, always, anyone
from identity.edge import FOR_MACHINES
from identity.granted import details, resources
from identity.managed import asking
from identity.messages import JSON, Headers, Response
from identity.provider.grant_types import GRANTS
from identity.public_services import client_assertion, credentials, encryption, service_keys
from identity.public_services.client_certificate import SELF_SIGNED
from identity.public_services.registered import OF_SERVICES, PING, POLL
from identity.requested import acr
from identity.requested.rules import PROMPTS
from identity.requested.wish import MODES, OFFERED_SCOPES
from identity.signing import keys
from identity.signing.algorithms import ALGORITHMS
from identity.tokens import pkce

PATHS = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
HEADERS = (*JSON, ("Cache-Control", "public, max-age=300"))
LANGUAGES = ("vi", "en")
ASSERTION_ALGORITHMS = ("ES256", "PS256", "EdDSA", "Ed25519")
CLAIMS = (
    *(
        "sub",
        "iss",
        "aud",
        "exp",
        "iat",
        "auth_time",
        "acr",
        "amr",
        "sid",
        "nonce",
        "at_hash",
        "s_hash",
    ),
    *("vn_account_level", "name", "birthdate", "gender", "email", "phone_number", "address"),
)


@dataclass(frozen=True, slots=True)
class Ability:
    """What depends on the installation: its keys, who vouches for certificates, its addresses."""

    signing: tuple[str, ...] = ALGORITHMS
    methods: tuple[str, ...] = credentials.OFFERED
    mtls_origin: str | None = None  # null: the issuer's own address asks for certificates


ALL = Ability()


def publish(_request: Request, _caller: object) -> Response:
    """The metadata; from the settings alone, so that no header of a request shows in it."""
    here = settings.current()
    able = keys.algorithms(), credentials.offered(), here.mtls_origin
    return Response(200, _bytes(here.issuer, able), HEADERS)


@lru_cache(maxsize=8)
def _bytes(issuer: str, able: tuple[tuple[str, ...], tuple[str, ...], str | None]) -> bytes:
    return json.dumps(metadata(issuer, Ability(*able)), separators=(",", ":")).encode()


def publish_keys(_request: Request, _caller: object) -> Response:
    """The next, current and previous keys, as bytes that were made when their list was read."""
    return Response(200, keys.jwks(), _headers_of_keys(settings.current().jwks_seconds))


@lru_cache(maxsize=8)
def _headers_of_keys(seconds: int) -> Headers:
    caching = ("Cache-Control", f"public, max-age={seconds}")
    return (("Content-Type", "application/jwk-set+json"), caching)


def metadata(issuer: str, able: Ability = ALL) -> dict[str, Any]:
    """What works here, and nothing else: an endpoint is named when it answers."""
    told = {
        "issuer": issuer,
        **_endpoints(issuer, list(able.methods)),
        **_requests(),
        "protected_resources": [issuer, issuer + resources.API_PATH],  # RFC 9728 §4
        **_tokens(list(able.signing)),
        "tls_client_certificate_bound_access_tokens": SELF_SIGNED in able.methods,  # RFC 8705 §3.3
    }
    if able.mtls_origin is not None:
        told["mtls_endpoint_aliases"] = _aliases(told, able.mtls_origin)
    return told


def _aliases(told: dict[str, Any], mtls_origin: str) -> dict[str, str]:
    """RFC 8705 §5: where a certificate is asked for, which browsers should not be."""
    issuer = told["issuer"]
    paths = {
        name: address.removeprefix(issuer)
        for name, address in told.items()
        if name.endswith("_endpoint")
    }
    return {
        name: mtls_origin + path for name, path in paths.items() if path.startswith(FOR_MACHINES)
    }


def _endpoints(issuer: str, methods: list[str]) -> dict[str, Any]:
    algorithms = [*ASSERTION_ALGORITHMS, client_assertion.BY_NAME]
    confidential = [method for method in methods if method != credentials.NONE]
    found: dict[str, Any] = {
        "authorization_endpoint": f"{issuer}/authorize",
        "pushed_authorization_request_endpoint": f"{issuer}/par",
        "backchannel_authentication_endpoint": f"{issuer}/bc-authorize",  # CIBA Core §4
        "token_endpoint": f"{issuer}/token",
        "device_authorization_endpoint": f"{issuer}/device_authorization",  # RFC 8628 §4
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "introspection_endpoint": f"{issuer}/introspect",
        "revocation_endpoint": f"{issuer}/revoke",
        "end_session_endpoint": f"{issuer}/end-session",
        "registration_endpoint": f"{issuer}/register",
        "grant_management_endpoint": f"{issuer}/grants",
    }
    for name in ("token", "introspection", "revocation"):
        offered = confidential if name == "introspection" else methods
        found[f"{name}_endpoint_auth_methods_supported"] = offered
        found[f"{name}_endpoint_auth_signing_alg_values_supported"] = algorithms
    return found


def _requests() -> dict[str, Any]:
    return {
        "response_types_supported": ["code"],
        "response_modes_supported": list(MODES),
        "grant_types_supported": list(GRANTS),
        "backchannel_token_delivery_modes_supported": [POLL, PING],
        "backchannel_authentication_request_signing_alg_values_supported": list(
            ASSERTION_ALGORITHMS
        ),
        "backchannel_user_code_parameter_supported": False,
        "code_challenge_methods_supported": list(pkce.METHODS),
        "scopes_supported": [*OFFERED_SCOPES, *sorted(OF_SERVICES)],
        "authorization_details_types_supported": [details.TYPE],  # RFC 9396 §10
        # Grant Management §7.1
        "grant_management_actions_supported": ["query", "revoke", *asking.ACTIONS],
        "grant_management_action_required": False,
        "prompt_values_supported": sorted(PROMPTS),
        "acr_values_supported": [
            acr.value(level) for level in acr.LEVELS if level <= acr.ATTAINABLE
        ],
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": True,
        "request_object_signing_alg_values_supported": list(service_keys.KEY_ALGORITHMS),
        "require_signed_request_object": False,  # RFC 9101 §10.5: each service for itself
        "require_pushed_authorization_requests": False,  # RFC 9126 §5: each service for itself
        "authorization_response_iss_parameter_supported": True,  # RFC 9207 §3
        "display_values_supported": ["page"],
        "ui_locales_supported": list(LANGUAGES),
    }


def _tokens(signing: list[str]) -> dict[str, Any]:
    return {
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": signing,
        "userinfo_signing_alg_values_supported": signing,
        "authorization_signing_alg_values_supported": signing,  # JARM §4
        "introspection_signing_alg_values_supported": signing,  # RFC 9701 §7
        **_encryption(),
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),  # RFC 9449 §5.1
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,  # every logout token has `sid`
        "claim_types_supported": ["normal"],
        "claims_locales_supported": ["vi"],  # values are told as registered
        "claims_supported": list(CLAIMS),
    }


def _encryption() -> dict[str, list[str]]:
    """The same for each answer (OIDC Discovery §3, RFC 9701 §7)."""
    offered = {"alg": encryption.ALGORITHMS, "enc": encryption.CONTENT_ALGORITHMS}
    return {
        f"{answer}_encryption_{kind}_values_supported": list(values)
        for answer in ("id_token", "userinfo", "introspection", "authorization")
        for kind, values in offered.items()
    }


def _shape() -> dict[str, Any]:
    """Whatever is published, by type; what it says may change with any release."""
    texts = {"type": "array", "items": {"type": "string"}}
    names = {"type": "object", "additionalProperties": {"type": "string"}}
    kinds = {str: {"type": "string"}, bool: {"type": "boolean"}, list: texts, dict: names}
    able = replace(ALL, mtls_origin="https://mtls.motlan.example")
    said = metadata("https://motlan.example", able)
    properties = {name: kinds[type(value)] for name, value in said.items()}
    needed = sorted(name for name in properties if name != "mtls_endpoint_aliases")
    return {"type": "object", "properties": properties, "required": needed}


METADATA = Answer("may be kept for a few minutes", _shape() | {"additionalProperties": False})


def _door(path: str, function: Function, *, summary: str, answer: Answer = METADATA) -> Door:
    return Door(
        method="GET",
        path=path,
        function=function,
        guard=anyone,
        refusals=errors.tell,
        is_brief=always,
        summary=summary,
        answers={200: answer},
    )


DOORS = (
    *(_door(path, publish, summary="What this provider offers") for path in PATHS),
    _door("/jwks", publish_keys, summary="The keys that sign our tokens", answer=KEYS),
)
