"""Addresses that a public service may register, RFC 9700 §4.1 and RFC 8252 §7.3."""

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

LONGEST = 2000
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
# RFC 3986 §2: what may stand in a URI; no space, control, quote, backslash or wildcard.
_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()+,;=%]+")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_STEPS = re.compile(r"(^|/)\.\.?(/|$)")
_HIDDEN = re.compile(r"%(2e|2f|5c|0[0-9a-f]|1[0-9a-f]|7f)", re.IGNORECASE)


class BadAddressError(ValueError):
    """An address that nobody may register; the text says why, without repeating it."""


def check(text: str, *, https_only: bool = False) -> None:
    """The address is an absolute https one, or http on this machine, and means just one place.

    Raises:
        BadAddressError: it has a fragment, a user, a wildcard, another scheme, a name that can
            be mistaken for another, or steps up in its path.
    """
    if len(text) > LONGEST:
        raise BadAddressError(f"is longer than {LONGEST} characters")
    if "#" in text:
        raise BadAddressError("must not have a fragment (RFC 6749 §3.1.2)")
    if "*" in text:
        raise BadAddressError("must not have a wildcard: register each address in full")
    if not text.isascii():
        raise BadAddressError("must be ASCII: another script can imitate a name (homograph)")
    if not _PLAIN.fullmatch(text):
        raise BadAddressError("has a character that no URI may have")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise BadAddressError("is not a URI") from None
    _check_scheme(parts, https_only=https_only)
    _check_host(parts)
    if _STEPS.search(parts.path) or _HIDDEN.search(parts.path):
        raise BadAddressError("must not have . or .. or hidden separators in its path")


def host(text: str) -> str:
    """The host of an address that passed."""
    return urlsplit(text).hostname or ""


def _check_scheme(parts: SplitResult, *, https_only: bool) -> None:
    if parts.scheme == "https":
        return
    if parts.scheme == "http" and not https_only and parts.hostname in LOOPBACK_NAMES:
        return
    raise BadAddressError(
        "must be https" if https_only else "must be https; http only for localhost"
    )


def _check_host(parts: SplitResult) -> None:
    if "@" in parts.netloc:
        raise BadAddressError("must not have a user or password in it")
    name = parts.hostname or ""
    if parts.netloc != parts.netloc.lower() or not name:
        raise BadAddressError("needs a host in lower case")
    if "[" in parts.netloc or name.replace(".", "").isdecimal():
        _check_number(name)
        return
    labels = name.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or len(name) > 253:  # noqa: PLR2004 - RFC 1035 §3.1
        raise BadAddressError("has a host name that no server can have")
    if any(label.startswith("xn--") for label in labels):
        raise BadAddressError("has an xn-- name, which can imitate another (homograph)")


def _check_number(name: str) -> None:
    try:
        ip_address(name)
    except ValueError:
        raise BadAddressError("has a host that is no address") from None
