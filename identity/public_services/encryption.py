"""What is told to one public service alone, encrypted to a key of its own: RFC 7516, RFC 7519 §5.

An answer is signed first and handed here last (`encrypted`): ID tokens, userinfo, introspection,
whatever goes to one service. Nothing is ever decrypted here: we have no key to be written to.
"""

import json
from functools import lru_cache

from joserfc import jwe
from joserfc.jwk import Key, KeySet

from identity.errors import InvalidRequest
from identity.public_services import service_keys
from identity.public_services.registered import Encryption, Registered

# RFC 7518 §4, §5, chosen one by one: no RSA1_5, no password, no shared key, and never a zip.
ALGORITHMS = service_keys.KEY_MANAGEMENT
CONTENT_ALGORITHMS = ("A128CBC-HS256", "A256GCM")
NESTED = "JWT"  # `cty`, RFC 7519 §5.2: what is inside is a JWT itself


def require_key(service: Registered, wanted: Encryption | None) -> None:
    """There is a key to encrypt to, if that was registered; ask before anything is spent.

    Raises:
        InvalidRequest: the service shows none, or its `jwks_uri` does not answer.
    """
    if wanted is not None:
        _recipient(service, wanted)


def encrypted(
    text: str, wanted: Encryption | None, *, service: Registered, holds: str | None = NESTED
) -> str:
    """The text as that service registered to get it: a compact JWE, or as it is.

    `holds` is the `cty` of what is inside; null: it is not a JWT.

    Raises:
        InvalidRequest: as `require_key`.
    """
    if wanted is None:
        return text
    told, key = _recipient(service, wanted)
    header = {"alg": wanted.alg, "enc": wanted.enc, "kid": told.get("kid"), "cty": holds}
    said = {name: value for name, value in header.items() if value is not None}
    return jwe.encrypt_compact(said, text, key, algorithms=[wanted.alg, wanted.enc])


def _recipient(service: Registered, wanted: Encryption) -> tuple[service_keys.Key, Key]:
    told = service_keys.recipient_key(service, wanted.alg)
    if told is None:
        raise InvalidRequest(
            "this public service shows no key to encrypt to: one with use=enc for its alg",
            note="jwe: no key of the service",
        )
    return told, _parsed(json.dumps(told, sort_keys=True))


@lru_cache(maxsize=512)
def _parsed(told: str) -> Key:
    # Parsed once: for RSA that takes longer than the encryption.
    return KeySet.import_key_set({"keys": [json.loads(told)]}).keys[0]
