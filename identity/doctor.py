"""`motlan doctor`: what an installation needs, looked at one by one; each fault in one line."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from ipaddress import ip_network

from identity import clock, database, files, log_keys, records, schema, sealing, settings, worker
from identity.certificates import trust
from identity.columns import Base
from identity.joining import Check, joined
from identity.signing.keys import signing_keys
from migrations.protection import APPEND_ONLY, KEYS

MOST_DRIFT = timedelta(seconds=5)
LATE = timedelta(seconds=10)
TURNS, STUCK = 3, timedelta(minutes=2)
LEAST_FREE = 200 * 2**20


def faults() -> Iterator[str]:
    """Every fault as one line that says what to do; nothing where all is well.

    What stands on the database is looked at only where it can be reached.
    """
    yield from _found(
        [
            Check("settings", _settings),
            Check("secrets", _secrets),
            Check("log head file", _head_file),
            Check("disk", _disk),
            Check("outbound", _outbound),
            Check("certificates", trust.fault),
        ]
    )
    unreached = list(_found([Check("database", schema.fault)]))
    yield from unreached
    if not unreached:
        yield from _found(
            [
                Check("connections", _connections),
                Check("roles", _roles),
                Check("protection", _protection),
                Check("clock", _clock),
                Check("worker", _worker),
                Check("duties", _duties),
                *joined().starts,
                *joined().checks,
            ]
        )


def _found(checks: list[Check]) -> Iterator[str]:
    for check in checks:
        if fault := _look(check.look):
            yield f"{check.name}: {fault}"


def _look(look: Callable[[], str | None]) -> str | None:
    try:
        return look()
    except (sealing.RingFault, files.UnsafeFileError) as fault:
        return str(fault)
    except Exception as fault:  # noqa: BLE001 - a check that breaks is a fault, not the end of it
        # Its text may hold values; its kind does not.
        return f"could not be looked at ({type(fault).__name__})"


def _settings() -> str | None:
    """What each setting allows by itself, and all of them together do not."""
    chosen = settings.current()
    if chosen.is_https and not chosen.is_loopback and not chosen.trusted_proxies:
        return (
            "the issuer is https and MOTLAN_TRUSTED_PROXIES is empty: whoever ends TLS looks like "
            "the one address of everybody, and shares its budget of guesses"
        )
    if not os.access(chosen.home, os.W_OK | os.X_OK):
        return f"{chosen.home} is no folder that can be written: see MOTLAN_HOME"
    return None


def _disk() -> str | None:
    """There is room where files grow: without it the log stops, and with it every answer."""
    chosen = settings.current()
    for folder in sorted({chosen.home, chosen.log_head.parent}):
        if folder.is_dir() and (free := shutil.disk_usage(folder).free) < LEAST_FREE:
            return f"{free // 2**20} MB are free in {folder}: make room"
    return None


def _secrets() -> str | None:
    """Key ring, signing keys and log key are there, whole, and closed to others."""
    files.require_private_folder(settings.current().secrets)
    sealing.ring()
    keys = signing_keys()
    keys.try_out(keys.algorithms())
    if names := ", ".join(keys.lacking()):
        return f"no key signs {names}: run `motlan secrets init` once every server is up to date"
    log_keys.log_key()
    return None


def _head_file() -> str | None:
    """The second store can be written where it is, by renaming a file into its folder."""
    folder = settings.current().log_head.parent
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return None
    return f"{folder} is no folder that can be written: set MOTLAN_LOG_HEAD to another place"


def _outbound() -> str | None:
    """Every host that may be reached has an address; networks are taken as they are."""
    nameless = [name for name in settings.current().outbound_allow if not _has_address(name)]
    return f"no address for {', '.join(nameless)}: see MOTLAN_OUTBOUND_ALLOW" if nameless else None


def _has_address(name: str) -> bool:
    try:
        ip_network(name)
    except ValueError:
        try:
            socket.getaddrinfo(name, None)
        except OSError:
            return False
    return True


def _connections() -> str | None:
    """The server has room for what this machine may want: else pages are answered and tokens not.

    Each web process has its threads' and its event loop's, and the worker its own.
    """
    chosen, room = settings.current(), records.room()
    wanted = chosen.pool_size * (2 * chosen.processes + 1)
    if room is None or wanted <= room:
        return None
    return (
        f"PostgreSQL lets {room} in, and this machine may want {wanted}: raise max_connections"
        " (or the role's limit), or lower MOTLAN_POOL_SIZE or MOTLAN_PROCESSES"
    )


def _roles() -> str | None:
    """On PostgreSQL who serves can add to history and never rewrite it."""
    if not database.is_postgresql():
        return None
    if records.owns_everything():
        # Allowed for a trial on this machine only; the triggers still refuse.
        is_trial = settings.current().is_loopback
        return (
            None if is_trial else "the app role owns the tables: give MOTLAN_DATABASE_URL another"
        )
    guarded = (*APPEND_ONLY, *KEYS)
    if excess := records.excess_rights(guarded):
        return f"the app role can rewrite {', '.join(excess)}: run `motlan db upgrade`"
    tables = sorted(Base.metadata.tables)
    if missing := records.missing_rights(tables):
        return f"the app role cannot use {', '.join(missing)}: run `motlan db upgrade`"
    return None


def _protection() -> str | None:
    """Every append-only table refuses to be rewritten, whoever asks."""
    lacking = records.unprotected(APPEND_ONLY)
    if not lacking:
        return None
    return f"{', '.join(lacking)} can be rewritten: somebody took a trigger away; verify the log"


def _clock() -> str | None:
    """The database server and this machine mean the same moment."""
    there = records.present()
    if there is None or abs(there - clock.now()) <= MOST_DRIFT:
        return None
    drift = (there - clock.now()).total_seconds()
    return f"the database is {drift:+.0f} s away from this machine: synchronise both"


def _worker() -> str | None:
    """The worker wrote and read back its probe row a moment ago."""
    at = worker.last(worker.PROBE)
    if at is None:
        return "it never ran: start `motlan serve`"
    late = clock.now() - at
    if late <= LATE:
        return None
    return f"last seen {int(late.total_seconds())} s ago: is `motlan serve` running?"


def _duties() -> str | None:
    """Each duty that ever ended well did so in one of its last turns, while the worker lives."""
    ended, now = worker.turns(), clock.now()
    if now - ended.get(worker.PROBE, now) > LATE:
        return None  # nothing is done at all, which the worker's own line says
    stuck = [
        duty.name
        for duty in worker.duties()
        if now - ended.get(duty.name, now) > max(duty.every * TURNS, STUCK)
    ]
    return f"{', '.join(stuck)}: no turn ended well for long; see the log" if stuck else None
