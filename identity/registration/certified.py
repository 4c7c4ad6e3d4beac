"""What a registration says of certificates, RFC 8705: one name or a list, and one binding."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from identity import settings
from identity.certificates import names
from identity.public_services import credentials
from identity.public_services.client_certificate import BY_AUTHORITY, SELF_SIGNED

BOUND = "tls_client_certificate_bound_access_tokens"


def check(told: Mapping[str, Any]) -> None:
    """Certificates can reach us where they are needed, and it is certain which one is meant.

    Raises:
        ValidationError: not so; it names the member.
    """
    method = told["token_endpoint_auth_method"]
    if method not in credentials.offered():
        raise ValidationError("is not offered by this installation", "token_endpoint_auth_method")
    _check_names(told, method)
    if method == SELF_SIGNED:
        _check_list(told)
    if told.get(BOUND):
        _check_binding(told)


def _check_names(told: Mapping[str, Any], method: str) -> None:
    """RFC 8705 §2.1.2: exactly one of them."""
    given = [name for name in names.MEMBERS if name in told]
    if method != BY_AUTHORITY and given:
        raise ValidationError(f"has no use with {method}", given[0])
    if method == BY_AUTHORITY and len(given) != 1:
        raise ValidationError("exactly one tls_client_auth_ member is needed", names.DN)
    for name in given:
        try:
            names.check(name, told[name])
        except ValueError as fault:
            raise ValidationError(str(fault), name) from None


def _check_list(told: Mapping[str, Any]) -> None:
    """RFC 8705 §2.2.2."""
    keys = told["jwks"]["keys"] if "jwks" in told else ()
    if "jwks_uri" not in told and not any("x5c" in key for key in keys):
        raise ValidationError("needs a key with its certificate in x5c (or jwks_uri)", "jwks")


def _check_binding(told: Mapping[str, Any]) -> None:
    """RFC 8705 §3.4; a token is bound to one thing, and the registration says to which."""
    if not settings.current().takes_certificates:
        raise ValidationError("is not offered by this installation", BOUND)
    if told.get("dpop_bound_access_tokens"):
        raise ValidationError("must not stand beside dpop_bound_access_tokens", BOUND)
