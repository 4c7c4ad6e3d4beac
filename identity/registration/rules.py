"""What the members of one registration must not say against each other: RFC 7591 §2."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from identity.polled.ways import CIBA, DEVICE
from identity.public_services import addresses
from identity.public_services.credentials import ASSERTION, NONE, WITH_SECRET
from identity.registration import answers, backchannel, certified, fapi2
from identity.tokens.exchange import GRANT_TYPE as EXCHANGE

OF_PERSONS = ("authorization_code", DEVICE, CIBA)  # whoever uses one of them may refresh, too
GRANT_TYPES = (*OF_PERSONS, "refresh_token", "client_credentials", EXCHANGE)


def check(told: Mapping[str, Any]) -> None:
    """No member contradicts another, and none is a promise that is not kept.

    Raises:
        ValidationError: one does; it names the member that would have to change.
    """
    for rule in _RULES:
        rule(told)


def _one_credential(told: Mapping[str, Any]) -> None:
    method = told["token_endpoint_auth_method"]
    if "client_secret" in told and method not in WITH_SECRET:
        raise ValidationError(f"has no use with {method}", "client_secret")
    if "jwks" in told and "jwks_uri" in told:  # RFC 7591 §2
        raise ValidationError("must not stand beside jwks_uri", "jwks")
    if method == ASSERTION and not {"jwks", "jwks_uri"} & told.keys():
        raise ValidationError("is needed (or jwks_uri) with private_key_jwt", "jwks")


def _signed_requests(told: Mapping[str, Any]) -> None:
    """RFC 9101 §10.5: who has no key can sign nothing."""
    has_keys = bool({"jwks", "jwks_uri"} & told.keys())
    for name in ("require_signed_request_object", "request_object_signing_alg", "request_uris"):
        if told.get(name) and not has_keys:
            raise ValidationError("needs jwks or jwks_uri", name)


def _public_client(told: Mapping[str, Any]) -> None:
    if told["token_endpoint_auth_method"] != NONE:
        return
    if not told["require_pkce"]:
        raise ValidationError("must be true for a public client", "require_pkce")
    if "client_credentials" in told["grant_types"]:
        raise ValidationError("client_credentials needs a client that authenticates", "grant_types")
    if EXCHANGE in told["grant_types"]:
        raise ValidationError("token-exchange needs a client that authenticates", "grant_types")


def _code_flow(told: Mapping[str, Any]) -> None:
    is_code = "authorization_code" in told["grant_types"]
    if is_code and not told["redirect_uris"]:
        raise ValidationError("is needed for authorization_code", "redirect_uris")
    if "refresh_token" in told["grant_types"] and not set(OF_PERSONS) & set(told["grant_types"]):
        raise ValidationError("refresh_token needs a grant type of persons", "grant_types")
    if EXCHANGE in told["grant_types"] and not set(OF_PERSONS) & set(told["grant_types"]):
        raise ValidationError("token-exchange needs a grant type of persons", "grant_types")
    if told["response_types"] is not None and is_code != bool(told["response_types"]):
        raise ValidationError("must be [code] exactly with authorization_code", "response_types")


def _one_sector(told: Mapping[str, Any]) -> None:
    """OpenID Connect Core §8.1: several hosts need a document that says they belong together."""
    hosts = {addresses.host(uri) for uri in told["redirect_uris"]}
    if len(hosts) > 1 and "sector_identifier_uri" not in told:
        raise ValidationError(
            "is needed when the redirect URIs have several hosts", "sector_identifier_uri"
        )


_RULES = (
    _one_credential,
    _signed_requests,
    _public_client,
    _code_flow,
    _one_sector,
    answers.check,
    certified.check,
    fapi2.check,
    backchannel.check,
)
