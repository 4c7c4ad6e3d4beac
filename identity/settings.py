"""Every setting, typed, read once from `MOTLAN_*`; half or contradictory ones stop the start."""

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal, TypeVar, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from identity import contradictions, passfile, readings

Server = Literal["motlan", "gunicorn"]
Value = TypeVar("Value")

NAMES = frozenset(
    {
        "MOTLAN_ARGON2",
        "MOTLAN_BIND",
        "MOTLAN_BODY_SECONDS",
        "MOTLAN_CLIENT_CA",
        "MOTLAN_COUNTERS",
        "MOTLAN_DATABASE_OWNER_URL",
        "MOTLAN_DATABASE_URL",
        "MOTLAN_DEMO",
        "MOTLAN_EXPRESS_LANE",
        "MOTLAN_HOME",
        "MOTLAN_HSM_MODULE",
        "MOTLAN_HSM_TOKEN",
        "MOTLAN_ISSUER",
        "MOTLAN_JWKS_SECONDS",
        "MOTLAN_LOG_HEAD",
        "MOTLAN_LOG_LEVEL",
        "MOTLAN_METRICS_BIND",
        "MOTLAN_MTLS_ORIGIN",
        "MOTLAN_OUTBOUND_ALLOW",
        "MOTLAN_POOL_SIZE",
        "MOTLAN_PROCESSES",
        "MOTLAN_SAMPLE_BIND",
        "MOTLAN_SECRETS",
        "MOTLAN_SERVER",
        "MOTLAN_TRUSTED_PROXIES",
    }
)
# Said by the supervisor to its children and by the tests to themselves; an operator sets neither.
_NOT_OURS = ("MOTLAN_TEST_", "MOTLAN_SUPERVISOR")


class SettingsError(Exception):
    """The configuration is half or contradicts itself; one line says which setting and why."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One configuration, whole and consistent; docs/settings.md says what each one means."""

    issuer: str
    bind: str
    body_seconds: int
    client_ca: Path | None  # null: no authority vouches for certificates of services
    counters: Path | None  # null: no list of counters
    processes: int
    sample_bind: str | None  # null: no sample service
    database_url: str = field(repr=False)
    database_owner_url: str = field(repr=False)
    home: Path
    hsm_module: Path | None  # null: signing keys are kept in files
    hsm_token: str
    jwks_seconds: int
    secrets: Path
    log_head: Path
    metrics_bind: str | None  # null: no metrics
    mtls_origin: str | None  # null: certificates are asked for at the issuer's own address
    outbound_allow: tuple[str, ...]
    demo: bool
    trusted_proxies: tuple[readings.Network, ...]
    express_lane: bool
    server: Server
    argon2_memory_kib: int
    argon2_time: int
    argon2_parallel: int
    pool_size: int
    log_level: str

    @property
    def host(self) -> str:
        """The issuer's host, with its port if it has one."""
        return urlsplit(self.issuer).netloc

    @property
    def takes_certificates(self) -> bool:
        """Whether there is anybody who may tell us of a certificate (RFC 9440)."""
        return bool(self.trusted_proxies)

    @property
    def jwks_cached(self) -> timedelta:
        """How long others may keep our published keys."""
        return timedelta(seconds=self.jwks_seconds)

    @property
    def mtls_host(self) -> str | None:
        """The host of `mtls_origin`, with its port if it has one."""
        return None if self.mtls_origin is None else urlsplit(self.mtls_origin).netloc

    def origin(self, host: str | None) -> str:
        """The address under which a request for that host was meant for us."""
        is_other = self.mtls_origin is not None and (host or "").lower() == self.mtls_host
        return self.mtls_origin or self.issuer if is_other else self.issuer

    @property
    def is_https(self) -> bool:
        """Whether browsers reach us over TLS, so that cookies may carry `__Host-`."""
        return self.issuer.startswith("https://")

    @property
    def is_loopback(self) -> bool:
        """Whether the issuer means this machine only."""
        return readings.is_loopback(urlsplit(self.issuer).hostname or "")

    @property
    def is_postgresql(self) -> bool:
        """Whether the database is PostgreSQL; otherwise it is SQLite."""
        return self.database_url.startswith("postgresql://")

    @property
    def database_urls(self) -> dict[str, str]:
        """Both addresses of the database, by the names of their settings; SQLite has one."""
        return {
            passfile.APP_URL: self.database_url,
            passfile.OWNER_URL: self.database_owner_url,
        }

    @property
    def app_role(self) -> str | None:
        """The PostgreSQL role that serves; null on SQLite, or where libpq's default decides."""
        parts = urlsplit(self.database_url)
        named = parts.username or dict(parse_qsl(parts.query)).get("user")
        return unquote(named) if self.is_postgresql and named else None

    @property
    def api_audience(self) -> str:
        """The `aud` of access tokens that carry granted details."""
        return self.issuer + "/api"

    @property
    def log_origin(self) -> str:
        """The access log's name for ever, C2SP checkpoint origin."""
        return self.log_name(1)

    def log_name(self, number: int) -> str:
        """The name of a log that followed closed ones: `/log/2` and on."""
        return f"{self.host}/log/{number}"


_installed: Settings | None = None


def install(settings: Settings) -> None:
    """Make these the settings of this process."""
    global _installed  # noqa: PLW0603 - one process, one configuration
    _installed = settings


def current() -> Settings:
    """The settings of this process; `create_app` installed them."""
    if _installed is None:
        raise RuntimeError("no settings are installed yet: create_app() does that")
    return _installed


def environment() -> dict[str, str]:
    """A copy of this process's environment, for the children it starts."""
    return dict(os.environ)


def read(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings an environment describes.

    Raises:
        SettingsError: a name nobody knows, a value nobody can read, or two that contradict.
    """
    _refuse_unknown(environ)
    settings = _Reader(environ).settings()
    for rule in contradictions.RULES:
        if complaint := rule(settings):
            raise SettingsError(complaint)
    return settings


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    for name in sorted(environ):
        if name.startswith("MOTLAN_") and name not in NAMES and not name.startswith(_NOT_OURS):
            near = difflib.get_close_matches(name, NAMES, n=1)
            hint = f"; did you mean {near[0]}?" if near else "; docs/settings.md lists them"
            raise SettingsError(f"{name} is not a setting{hint}")


class _Reader:
    """Takes one value after the other, each with its default and its reading."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def settings(self) -> Settings:
        home = self.take("HOME", readings.path, default="var")
        ours = readings.sqlite_url(home / "motlan.db")
        database_url = self.take("DATABASE_URL", readings.database, default=ours)
        owner_url = self.find("DATABASE_OWNER_URL", readings.database) or database_url
        usual = 1 if database_url.startswith("sqlite:") else readings.cores()
        cost = self.take("ARGON2", readings.argon2, default="t=2,m=19456,p=1")
        server = self.take("SERVER", readings.server, default="motlan")
        levels = readings.one_of("debug", "info", "warning", "error")
        return Settings(
            issuer=self.take("ISSUER", readings.issuer, default="http://localhost:8000"),
            bind=self.take("BIND", readings.listening, default="127.0.0.1:8000"),
            body_seconds=self.take("BODY_SECONDS", readings.count, default="30"),
            client_ca=self.find("CLIENT_CA", readings.certificates),
            counters=self.find("COUNTERS", readings.path),
            processes=self.take("PROCESSES", readings.count, default=str(usual)),
            sample_bind=self.find("SAMPLE_BIND", readings.listening, default="127.0.0.1:8001"),
            database_url=database_url,
            database_owner_url=owner_url,
            home=home,
            hsm_module=self.find("HSM_MODULE", readings.path),
            hsm_token=self.take("HSM_TOKEN", str, default="motlan"),
            jwks_seconds=self.take("JWKS_SECONDS", readings.count, default="300"),
            secrets=self.take("SECRETS", readings.path, default=str(home / "secrets")),
            log_head=self.take("LOG_HEAD", readings.path, default=str(home / "log-head")),
            metrics_bind=self.find("METRICS_BIND", readings.listening),
            mtls_origin=self.find("MTLS_ORIGIN", readings.issuer),
            outbound_allow=self.find("OUTBOUND_ALLOW", readings.hosts_or_networks) or (),
            demo=self.take("DEMO", readings.switch, default="0"),
            trusted_proxies=self.find("TRUSTED_PROXIES", readings.networks) or (),
            express_lane=self.take("EXPRESS_LANE", readings.switch, default="1"),
            server=cast("Server", server),
            argon2_memory_kib=cost["m"],
            argon2_time=cost["t"],
            argon2_parallel=cost["p"],
            pool_size=self.take("POOL_SIZE", readings.count, default="8"),
            log_level=self.take("LOG_LEVEL", levels, default="info"),
        )

    def take(self, name: str, reading: Callable[[str], Value], *, default: str) -> Value:
        text = self.environ.get("MOTLAN_" + name, default).strip()
        if not text:
            raise SettingsError(f"MOTLAN_{name} is empty; unset it to have its default")
        try:
            return reading(text)
        except ValueError as error:
            raise SettingsError(f"MOTLAN_{name}: {error}") from None

    def find(
        self, name: str, reading: Callable[[str], Value], *, default: str = ""
    ) -> Value | None:
        """Null where the value is empty, which means: none of it."""
        if not self.environ.get("MOTLAN_" + name, default).strip():
            return None
        return self.take(name, reading, default=default)
