"""Database passwords leave the environment for a file, before the server copies it anywhere."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

APP_URL, OWNER_URL = "MOTLAN_DATABASE_URL", "MOTLAN_DATABASE_OWNER_URL"
# One field of a passfile line: anything, a colon or a backslash behind a backslash.
_FIELD = re.compile(r"((?:\\.|[^:\\])*)(?::|$)")
# libpq compares bytes: they stay as they are, whatever the locale; only a newline ends a line.
_BYTES = ("utf-8", "surrogateescape")
_USER = 3  # host, port, database, user, password


def move_passwords(environ: Mapping[str, str], folder: Path, *, with_owner: bool) -> dict[str, str]:
    """The environment for a child, its passwords in a file of mode 0600 that it names.

    The owner's password is there only for a child that may act as owner: a web process may not.
    """
    urls = {name: environ[name] for name in (APP_URL, OWNER_URL) if name in environ}
    if not any(url.startswith("postgresql:") for url in urls.values()):
        return dict(environ)
    file = folder / ("passfile-owner" if with_owner else "passfile-app")
    lines = list(_lines(environ, urls, with_owner=with_owner))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    _write_private(file, "".join(f"{line}\n" for line in lines))
    cleaned = {name: value for name, value in environ.items() if name != "PGPASSWORD"}
    cleaned |= {name: _without_password(url) for name, url in urls.items()}
    return cleaned | {"PGPASSFILE": str(file)}


def _lines(
    environ: Mapping[str, str], urls: Mapping[str, str], *, with_owner: bool
) -> Iterator[str]:
    """In libpq's order of trust: what the URL says, then PGPASSWORD, then the file there was."""
    app_user = _login(urls.get(APP_URL, ""))[0]
    owner_user = _login(urls.get(OWNER_URL, ""))[0]
    for name, url in urls.items():
        user, password = _login(url)
        if password and (with_owner or name == APP_URL):
            yield f"*:*:*:{_escape(user) if user else '*'}:{_escape(password)}"
    if environ.get("PGPASSWORD"):
        yield f"*:*:*:*:{_escape(environ['PGPASSWORD'])}"
    is_hidden = not with_owner and owner_user not in {None, app_user}
    for line in _former(environ):
        fields = _FIELD.findall(line)
        if not (is_hidden and len(fields) > _USER and _unescape(fields[_USER]) == owner_user):
            yield line


def _former(environ: Mapping[str, str]) -> list[str]:
    named = environ.get("PGPASSFILE")
    file = Path(named) if named else Path(environ.get("HOME", "/nonexistent")) / ".pgpass"
    try:
        return [line for line in file.read_bytes().decode(*_BYTES).split("\n") if line]
    except OSError:
        return []


def _login(url: str) -> tuple[str | None, str | None]:
    parts = urlsplit(url)
    asked = dict(parse_qsl(parts.query))
    user = unquote(parts.username) if parts.username else asked.get("user")
    password = unquote(parts.password) if parts.password else asked.get("password")
    return user, password


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    login, at, place = parts.netloc.rpartition("@")
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "password"]
    return urlunsplit(
        parts._replace(netloc=login.partition(":")[0] + at + place, query=urlencode(query))
    )


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace(":", "\\:")


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _write_private(file: Path, text: str) -> None:
    # A new file under another name: nobody ever reads half of it, and its mode is ours.
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
        os.fchmod(opened.fileno(), 0o600)
        opened.write(text.encode(*_BYTES))
    fresh.replace(file)
