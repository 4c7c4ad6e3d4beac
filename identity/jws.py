"""The compact form of signed JSON, RFC 7515 §3.1: how it is written, not who may sign it."""

import json
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Mapping
from typing import Any

from identity.written import ascii_json

_TO_URL, _FROM_URL = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")


def base64url(content: bytes) -> bytes:
    """The content in base64url without padding, RFC 7515 §2."""
    return b2a_base64(content, newline=False).translate(_TO_URL, b"=")


def from_base64url(text: str) -> bytes:
    """What `base64url` made this very text of.

    Raises:
        ValueError: padded, stray characters or stray bits: one content has one spelling.
    """
    told = text.encode()
    content = a2b_base64(told.translate(_FROM_URL) + b"=" * (-len(told) % 4))
    if base64url(content) != told:
        raise ValueError("this is not base64url")
    return content


def compact(members: Mapping[str, Any]) -> bytes:
    """The members as JSON without a needless byte."""
    return ascii_json(members).encode()


def header(*, alg: str, kid: str, typ: str) -> bytes:
    """The encoded header of everything we sign; an empty type is left out (RFC 7515 §4.1.9).

    Never change its order or spelling: our tokens are recognised by these very bytes.
    """
    typed = {"typ": typ} if typ else {}
    return base64url(compact({"alg": alg, "kid": kid, **typed}))


def signed(
    encoded_header: bytes, claims: Mapping[str, Any] | bytes, *, by: Callable[[bytes], bytes]
) -> str:
    """Header, claims and the signature over both; claims that are bytes are JSON already."""
    content = claims if isinstance(claims, bytes) else compact(claims)
    message = encoded_header + b"." + base64url(content)
    return (message + b"." + base64url(by(message))).decode()


def parts(text: str, *, longest: int) -> tuple[str, str]:
    """The encoded header and claims of somebody's compact JWS; nothing is read yet.

    Raises:
        ValueError: it is none, or is longer than that.
    """
    found = text.split(".") if len(text) <= longest else []
    if len(found) != 3:  # noqa: PLR2004 - RFC 7515 §3.1
        raise ValueError("this is no compact JWS")
    return found[0], found[1]


def members(part: str) -> dict[str, Any]:
    """What an encoded header, or encoded claims, says; nothing is proved yet.

    Raises:
        ValueError: it is no JSON object, or says a member twice (RFC 7515 §4).
    """
    try:
        read = _reader.decode(from_base64url(part).decode())  # RFC 7515 §2: UTF-8, nothing else
    except RecursionError:
        raise ValueError("this is nested too deep") from None
    if not isinstance(read, dict):
        raise ValueError("this is no object")  # noqa: TRY004 - a value of somebody else
    return read


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(pairs)
    if len(told) != len(pairs):
        raise ValueError("a member stands twice")
    return told


_reader = json.JSONDecoder(object_pairs_hook=_once_each)  # `json.loads` would make one each time


def is_signed(text: str, verify: Callable[[bytes, bytes], bool]) -> bool:
    """Whether this compact JWS, already read, has a signature that verifies over its message."""
    message, _, signature = text.rpartition(".")
    try:
        raw = from_base64url(signature)
    except ValueError:
        return False
    return verify(message.encode(), raw)
