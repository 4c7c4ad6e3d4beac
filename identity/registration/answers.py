"""How a service wants its answers signed and encrypted: OpenID Registration §2, RFC 9701, JARM."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, validate

from identity.public_services import service_keys
from identity.public_services.encryption import ALGORITHMS as ENCRYPTING
from identity.public_services.encryption import CONTENT_ALGORITHMS
from identity.public_services.registered import USUAL_ENC
from identity.registration.shapes import Strict, choice, words
from identity.requested.wish import MODES
from identity.signing import keys
from identity.signing.algorithms import ALGORITHMS as SIGNING

ANSWERS = ("id_token", "userinfo", "introspection", "authorization")


class AnswersSchema(Strict):
    """The members that say how answers are signed and encrypted."""

    id_token_signed_response_alg = choice(*SIGNING, load_default="ES256")
    id_token_encrypted_response_alg = choice(*ENCRYPTING)
    id_token_encrypted_response_enc = choice(*CONTENT_ALGORITHMS)
    userinfo_signed_response_alg = choice(*SIGNING)
    userinfo_encrypted_response_alg = choice(*ENCRYPTING)
    userinfo_encrypted_response_enc = choice(*CONTENT_ALGORITHMS)
    introspection_signed_response_alg = choice(*SIGNING)
    introspection_encrypted_response_alg = choice(*ENCRYPTING)
    introspection_encrypted_response_enc = choice(*CONTENT_ALGORITHMS)
    authorization_signed_response_alg = choice(*SIGNING)  # JARM §3
    authorization_encrypted_response_alg = choice(*ENCRYPTING)
    authorization_encrypted_response_enc = choice(*CONTENT_ALGORITHMS)
    response_modes = words(validate.OneOf(MODES))  # FAPI 2.0 Message Signing §5.4


def complete(told: dict[str, Any]) -> None:
    """What is encrypted by a named `alg` alone is so by the `enc` that the specifications name."""
    for name in (f"{answer}_encrypted_response" for answer in ANSWERS):
        if f"{name}_alg" in told:
            told.setdefault(f"{name}_enc", USUAL_ENC)


def check(told: Mapping[str, Any]) -> None:
    """What is asked for can be done today.

    Raises:
        ValidationError: we have no key for an algorithm (lists of an earlier version lack some),
            or the service shows none that its answers can be encrypted to.
    """
    for answer in ANSWERS:
        _check_signed(told, f"{answer}_signed_response_alg")
        _check_encrypted(told, f"{answer}_encrypted_response")


def _check_signed(told: Mapping[str, Any], name: str) -> None:
    if name in told and told[name] not in keys.algorithms():
        raise ValidationError("has no key here yet: run `motlan secrets init`", name)


def _check_encrypted(told: Mapping[str, Any], name: str) -> None:
    alg = told.get(f"{name}_alg")
    if alg is None:
        if f"{name}_enc" in told:
            raise ValidationError("is needed beside the enc", f"{name}_alg")
        return
    shown = told.get("jwks", {"keys": []})["keys"]
    if "jwks_uri" not in told and not any(service_keys.can_encrypt(key, alg) for key in shown):
        raise ValidationError("needs a key with use enc in jwks (or jwks_uri)", f"{name}_alg")
