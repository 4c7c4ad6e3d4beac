"""What two settings must not say against each other: one line each, that says which and why."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from identity import readings

if TYPE_CHECKING:
    from identity.settings import Settings

# RFC 9106 leaves room below; OWASP's floor is the least that people's passwords get.
_ARGON2_FLOOR = {"t": 2, "m": 19_456, "p": 1}


def _plain_http(settings: "Settings") -> str | None:
    if settings.is_https or settings.is_loopback:
        return None
    return "MOTLAN_ISSUER must be https, except on a loopback host"


def _one_writer(settings: "Settings") -> str | None:
    if settings.is_postgresql or settings.processes == 1:
        return None
    return "MOTLAN_PROCESSES must be 1 on SQLite: its one web process is also the worker"


def _demo_at_home(settings: "Settings") -> str | None:
    name = urlsplit(settings.issuer).hostname or ""
    if not settings.demo or settings.is_loopback or name.endswith(".test"):
        return None
    return "MOTLAN_DEMO=1 has fixed codes; it needs an issuer on a loopback host or under .test"


def _two_roles(settings: "Settings") -> str | None:
    app, owner = settings.database_url, settings.database_owner_url
    if not settings.is_postgresql:
        same = "MOTLAN_DATABASE_OWNER_URL is of no use on SQLite, which has no roles; unset it"
        return None if owner == app else same
    if not owner.startswith("postgresql://"):
        return "MOTLAN_DATABASE_OWNER_URL must reach the same PostgreSQL as MOTLAN_DATABASE_URL"
    if owner == app and not settings.is_loopback:
        return (
            "MOTLAN_DATABASE_OWNER_URL must name a second role: the app role may not own its tables"
        )
    return None


def _own_places(settings: "Settings") -> str | None:
    places = [settings.bind, settings.sample_bind, settings.metrics_bind]
    taken = [place for place in places if place is not None]
    if len(set(taken)) == len(taken):
        return None
    return "MOTLAN_BIND, MOTLAN_SAMPLE_BIND and MOTLAN_METRICS_BIND must be different places"


def _head_apart(settings: "Settings") -> str | None:
    # A head beside the database would be restored with it, and could not tell.
    if settings.database_url != readings.sqlite_url(settings.log_head):
        return None
    return "MOTLAN_LOG_HEAD must be another file than the database, whose state it witnesses"


def _argon2_floor(settings: "Settings") -> str | None:
    cost = {
        "t": settings.argon2_time,
        "m": settings.argon2_memory_kib,
        "p": settings.argon2_parallel,
    }
    if settings.is_loopback or all(cost[part] >= least for part, least in _ARGON2_FLOOR.items()):
        return None
    return "MOTLAN_ARGON2 must be at least t=2,m=19456,p=1, except on a loopback issuer"


def _certificates_of_somebody(settings: "Settings") -> str | None:
    told = {"CLIENT_CA": settings.client_ca, "MTLS_ORIGIN": settings.mtls_origin}
    for name, value in told.items():
        if value is not None and not settings.takes_certificates:
            return f"MOTLAN_{name} needs MOTLAN_TRUSTED_PROXIES: only they tell of certificates"
    if settings.mtls_origin == settings.issuer:
        return "MOTLAN_MTLS_ORIGIN must be another address than MOTLAN_ISSUER; unset it"
    is_plain = settings.mtls_origin is not None and not settings.mtls_origin.startswith("https://")
    return "MOTLAN_MTLS_ORIGIN must be https: a certificate comes with TLS" if is_plain else None


RULES = (
    _plain_http,
    _certificates_of_somebody,
    _one_writer,
    _demo_at_home,
    _two_roles,
    _own_places,
    _head_apart,
    _argon2_floor,
)
