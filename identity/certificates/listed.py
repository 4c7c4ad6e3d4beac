"""Certificates that a service lists among its keys: `x5c` of a JWK, RFC 7517 §4.7."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from identity.certificates.shown import LONGEST, MOST, Shown


def check(key: Mapping[str, Any], public_key: Any) -> None:  # noqa: ANN401 - of any kind
    """The first certificate of a key, where it lists any, is one of this very public key.

    Raises:
        ValueError: it is not; the text says why.
    """
    if "x5c" not in key:
        return
    told = key["x5c"]
    if not isinstance(told, list) or not 1 <= len(told) <= MOST:
        raise ValueError(f"a key's x5c must be a list of 1 to {MOST} certificates")
    try:
        certificate = x509.load_der_x509_certificate(_content(told[0]))
        is_its = _bytes(certificate.public_key()) == _bytes(public_key)
    except (ValueError, TypeError):
        raise ValueError("a key's x5c holds no certificate") from None
    if not is_its:
        raise ValueError("a key's x5c is a certificate of another key")


def is_among(shown: Shown, keys: Iterable[Mapping[str, Any]]) -> bool:
    """Whether it is, byte for byte, a certificate that stands first in one of these keys."""
    texts = [key["x5c"][0] for key in keys if key.get("x5c")]
    return any(_content(text) == shown.content for text in texts)


def _content(told: object) -> bytes:
    """What the text stands for; nothing, where it stands for nothing."""
    if not isinstance(told, str) or len(told) > LONGEST:
        return b""
    try:
        return base64.b64decode(told, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _bytes(public_key: Any) -> bytes:  # noqa: ANN401 - of any kind
    encoded: bytes = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded
