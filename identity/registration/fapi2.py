"""`profile: fapi2`: what the FAPI 2.0 Security Profile (Final) wants of a registration, by section.

What the profile requires and nobody said is so from the registration on; what contradicts it is
refused by its name. The rest of the profile holds for every service: `docs/conformance.md`.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError

from identity.public_services.client_certificate import METHODS
from identity.public_services.credentials import ASSERTION

PROFILE = "fapi2"
PROVEN = (ASSERTION, *METHODS)  # §5.3.2.1-6
UNWANTED = frozenset({"RS256"})  # §5.4.1-1: PS256, ES256, EdDSA
LOOPBACK = frozenset({"127.0.0.1", "::1"})  # RFC 8252 §7.3: numbers, not the name
DPOP, CERTIFICATE = "dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens"
PUSHED = "require_pushed_authorization_requests"


def check(told: Mapping[str, Any]) -> None:
    """Nothing that is said contradicts the profile, where it is this one.

    Raises:
        ValidationError: a member does; it is named.
    """
    if told["profile"] == PROFILE:
        for rule in _RULES:
            rule(told)


def complete(told: dict[str, Any]) -> None:
    """What nobody said is as the profile wants it, and without one as it is by default."""
    is_fapi = told["profile"] == PROFILE
    told.setdefault(PUSHED, is_fapi)
    told.setdefault(CERTIFICATE, False)
    told.setdefault(DPOP, is_fapi and not told[CERTIFICATE])
    if is_fapi:  # RFC 9701 §6 would have RS256
        told.setdefault("introspection_signed_response_alg", "ES256")


def _authentication(told: Mapping[str, Any]) -> None:
    """§5.3.2.1-3, -6: confidential, by a key or a certificate."""
    if told["token_endpoint_auth_method"] not in PROVEN:
        raise ValidationError(
            f"must be one of {', '.join(PROVEN)} with {PROFILE}", "token_endpoint_auth_method"
        )


def _pushed(told: Mapping[str, Any]) -> None:
    """§5.3.2.2-3, -5."""
    for name in (PUSHED, "require_pkce"):
        if not told.get(name, True):
            raise ValidationError(f"must be true with {PROFILE}", name)


def _bound(told: Mapping[str, Any]) -> None:
    """§5.3.2.1-4, -5."""
    if not told.get(CERTIFICATE) and not told.get(DPOP, True):
        raise ValidationError(f"must be true with {PROFILE}, or {CERTIFICATE}", DPOP)


def _signatures(told: Mapping[str, Any]) -> None:
    """§5.4.1-1."""
    for name in sorted(told):
        if name.endswith("_alg") and told[name] in UNWANTED:
            raise ValidationError(f"must not be {told[name]} with {PROFILE}", name)


def _way_back(told: Mapping[str, Any]) -> None:
    """§5.3.2.2-8: http for native services on this machine only."""
    for uri in told["redirect_uris"]:
        parts = urlsplit(uri)
        is_native = told["application_type"] == "native" and parts.hostname in LOOPBACK
        if parts.scheme != "https" and not is_native:
            raise ValidationError(f"must be https with {PROFILE}", "redirect_uris")


_RULES: tuple[Callable[[Mapping[str, Any]], None], ...] = (
    _authentication,
    _pushed,
    _bound,
    _signatures,
    _way_back,
)
