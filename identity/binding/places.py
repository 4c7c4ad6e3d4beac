"""Which address a proof was made for, however it is spelt: RFC 9449 §4.3, RFC 3986 §6.2."""

import re
from urllib.parse import urlsplit

_ADDRESS = re.compile(r"[!-~]{1,2048}")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")  # RFC 3986 §2.3
_PORTS = {"https": 443, "http": 80}


def is_same(told: object, here: str) -> bool:
    """Whether `told` is an address, and comes to this one without its query and fragment."""
    if not isinstance(told, str) or not _ADDRESS.fullmatch(told):
        return False
    place = _place(told)
    return place is not None and place == _place(here)


def _place(address: str) -> tuple[str, str, int | None, str] | None:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or "@" in parts.netloc:
        return None
    port = _PORTS.get(parts.scheme) if port is None else port
    return parts.scheme, parts.hostname, port, _ESCAPE.sub(_unescaped, parts.path)


def _unescaped(found: re.Match[str]) -> str:
    """RFC 3986 §6.2.2: a letter that needs no escape stands for itself."""
    letter = chr(int(found[1], 16))
    return letter if _UNRESERVED.fullmatch(letter) else found[0].upper()
