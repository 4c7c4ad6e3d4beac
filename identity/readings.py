"""How an operator writes a value: one strict reading each, and a complaint that says what fits."""

import os
import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

Network = IPv4Network | IPv6Network

_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_LAST_PORT = 65_535
_MANY = 1024


def issuer(text: str) -> str:
    """The issuer as every token will carry it, byte for byte: scheme, host, port, nothing more.

    OpenID Connect Discovery §3 forbids query and fragment; a path would move `/.well-known`.
    """
    parts = urlsplit(text.removesuffix("/"))
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must look like https://id.example.vn")
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc or "?" in text:
        raise ValueError("must be scheme, host and port only, without path, query or account")
    if parts.netloc != parts.netloc.lower():
        raise ValueError("must be written in lower case: services compare it byte for byte")
    _require_host(parts.hostname)
    _require_port(parts.netloc.rpartition("]")[2])
    return f"{parts.scheme}://{parts.netloc}"


def is_loopback(host: str) -> bool:
    """Whether a name or address can only mean this machine (RFC 6761 §6.3)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def listening(text: str) -> str:
    """A place to listen: `host:port`, an IPv6 address in brackets."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or (":" in host and not (host[0] == "[" and host[-1] == "]")):
        raise ValueError("must look like 127.0.0.1:8000 or [::1]:8000")
    _require_host(host.strip("[]").lower())
    _require_port(":" + port)
    return text


def split(place: str) -> tuple[str, int]:
    """Host and port of a place to listen, ready for a socket."""
    host, _, port = place.rpartition(":")
    return host.strip("[]"), int(port)


def networks(text: str) -> tuple[Network, ...]:
    """Networks or single addresses, separated by commas."""
    return tuple(_network(part) for part in _parts(text))


def hosts_or_networks(text: str) -> tuple[str, ...]:
    """Hosts, addresses or networks, separated by commas, each checked and written one way."""
    return tuple(_host_or_network(part) for part in _parts(text))


def path(text: str) -> Path:
    """A file or folder, absolute, so that a later change of folder cannot move it."""
    return Path(text).expanduser().absolute()


def certificates(text: str) -> Path:
    """A PEM file with at least one certificate, and nothing else that would have to be kept."""
    found = path(text)
    try:
        x509.load_pem_x509_certificates(found.read_bytes())
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise ValueError("must be a PEM file of certificates") from None
    return found


def count(text: str) -> int:
    """A small whole number of things, at least one."""
    if not (text.isascii() and text.isdecimal() and 0 < int(text) <= _MANY):
        raise ValueError(f"must be a whole number from 1 to {_MANY}")
    return int(text)


def cores() -> int:
    """The cores this process may use, not those the machine has: containers differ."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def switch(text: str) -> bool:
    """On or off."""
    if text not in {"0", "1"}:
        raise ValueError("must be 1 or 0")
    return text == "1"


def one_of(*words: str) -> Callable[[str], str]:
    """A reading that accepts these words only."""

    def reading(text: str) -> str:
        if text not in words:
            raise ValueError("must be one of " + ", ".join(words))
        return text

    return reading


def server(text: str) -> str:
    """What answers: ours, or gunicorn."""
    if text == "granian":
        raise ValueError("granian is gone; unset it to have the server of our own")
    return one_of("motlan", "gunicorn")(text)


def argon2(text: str) -> dict[str, int]:
    """The cost of Argon2id: `t` passes, `m` KiB of memory, `p` lanes (RFC 9106 §3.1)."""
    if not re.fullmatch(r"t=\d{1,2},m=\d{1,7},p=\d{1,2}", text, re.ASCII):
        raise ValueError("must look like t=2,m=19456,p=1")
    cost = {part[0]: int(part[2:]) for part in text.split(",")}
    if cost["t"] < 1 or cost["p"] < 1 or cost["m"] < 8 * cost["p"]:
        raise ValueError("needs t and p of at least 1 and m of at least 8 for each p")
    return cost


def database(text: str) -> str:
    """A database's URL, a SQLite path made absolute; never repeated, for it may hold a password."""
    file = text.removeprefix("sqlite:///")
    if file != text and file and not file.startswith(":memory:") and "?" not in file:
        return f"sqlite:///{path(file)}"
    if text.startswith("postgresql://") and _names_a_database(text):
        return text
    raise ValueError("must look like sqlite:////path/file.db or postgresql://role@host:port/name")


def sqlite_url(file: Path) -> str:
    """A file's name as `database` reads it: what would mean something else in a URL is escaped."""
    return f"sqlite:///{file}".replace("%", "%25").replace("?", "%3F")


def _names_a_database(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return len(parts.path) > 1 and not parts.fragment


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a network such as 10.0.0.0/8") from None


def _host_or_network(text: str) -> str:
    if "/" in text or ":" in text or text.replace(".", "").isdecimal():
        network = _network(text)
        return str(network.network_address if network.num_addresses == 1 else network)
    _require_host(text.lower())
    return text.lower()


def _require_host(host: str) -> None:
    try:
        ip_address(host)
    except ValueError:
        if not _HOST.fullmatch(host) or host.replace(".", "").isdecimal():
            raise ValueError(f"{host!r} is not a host name or an address") from None


def _require_port(text: str) -> None:
    """What follows the host: nothing, or a colon and a port that can be connected to."""
    _, colon, port = text.rpartition(":")
    if colon and not (port.isascii() and port.isdecimal() and 0 < int(port) <= _LAST_PORT):
        raise ValueError(f"the port must be a number from 1 to {_LAST_PORT}")
