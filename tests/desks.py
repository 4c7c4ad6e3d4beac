"""What tests of the officers' desk share: a browser, a log that filters know, a crowd."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from consent.audit.records import oldest_unplaced
from consent.audit.sequencer import sequence
from consent.exports import records as exports
from consent.exports.ask import SEALED
from consent.exports.records import State
from consent.facets import draw
from identity import clock, database, sealing
from identity.database import transaction
from identity.entry import NOBODY
from tests.exchange import Written, entries
from tests.people import Officer, a_security_officer, sign_in_officer
from tests.tampering import Log

OTHER_UNIT = "Đơn vị giám sát 2"


def at_the_desk(app: Flask, officer: Officer | None = None, **told: Any) -> FlaskClient:
    """A browser in which an officer is signed in."""
    browser = app.test_client()
    sign_in_officer(browser, officer or a_security_officer(**told))
    return browser


def looks_of(
    officer: Officer, about: uuid.UUID = NOBODY, *, kind: str = "staff:looked"
) -> list[Written]:
    """What the log says that an officer did."""
    mine = [entry for entry in entries(about) if entry.type == kind]
    return [entry for entry in mine if entry.acting.get("actor") == officer.id.hex]


def rows(page: TestResponse) -> list[int]:
    """The ids of the entries on a page, as they stand on it."""
    assert page.status_code == 200, page.text
    return [int(number) for number in re.findall(r'data-entry="(\d+)"', page.text)]


def known() -> None:
    """Every entry has its place, and filters know it; PostgreSQL's own work may hold it up."""
    while sequence() or oldest_unplaced() is not None:
        pass
    while draw.draw():
        pass


def links(page: TestResponse, rel: str) -> list[str]:
    """Where links of this kind lead."""
    found = re.findall(rf'rel="{rel}" href="([^"]+)"', page.text)
    return [path.replace("&amp;", "&") for path in found]


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """Every statement that goes to the database meanwhile, with its parameters."""
    told: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        told.append((statement, parameters))

    engine = database.state().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield told
    finally:
        event.remove(engine, "before_cursor_execute", note)


def plan(statement: str, parameters: Any) -> str:
    """How the database would find what a statement asks for."""
    how = "EXPLAIN" if database.is_postgresql() else "EXPLAIN QUERY PLAN"
    with database.state().engine.connect() as connection:
        found = connection.exec_driver_sql(f"{how} {statement}", parameters)
        return "\n".join(" ".join(map(str, row)) for row in found)


def an_export(officer: Officer, *, is_own: bool) -> uuid.UUID:
    """One that is ready for this officer, or one of another unit that waits for a second."""
    at, whose = clock.now(), officer if is_own else a_security_officer(unit=OTHER_UNIT)
    known()
    export = {
        "id": database.new_id(),
        "staff_id": whose.id,
        "unit": OTHER_UNIT,
        "filters": {"until": "2000-01-01"},
        "upto": 0,
        "entries": 0,
        "reason": sealing.ring().seal_token(SEALED, b"quarterly"),
        "state": State.READY if is_own else State.WAITING,
        "requested_at": at,
        "expires_at": at + timedelta(hours=1),
    }
    with transaction():
        exports.add(export)
    export_id: uuid.UUID = export["id"]
    return export_id


_SERIES = {
    True: "SELECT g AS n FROM generate_series(1, {count}) g",
    False: (
        "WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {count})"
        " SELECT n FROM g"
    ),
}


def a_crowd(log: Log, count: int) -> None:
    """So many entries that nobody can read, placed and known to filters; the database has counted.

    Of ten entries one was refused, one is on the basis of law; a hundred public services.
    """
    is_postgresql = database.is_postgresql()
    series = _SERIES[is_postgresql].format(count=count)
    empty = "'\\x00'::bytea" if is_postgresql else "x'00'"
    rest = "%%" if is_postgresql else "%"
    person = _hex(f"n {rest} 5000 + 1", is_postgresql=is_postgresql)
    service = _hex(f"n {rest} 100 + 7", is_postgresql=is_postgresql)
    at = (
        "now() - make_interval(secs => ({count} - n) * 60)"
        if is_postgresql
        else "CAST(strftime('%s', 'now') AS INTEGER) * 1000000 - ({count} - n) * 60000000"
    ).format(count=count)
    kind = f"CASE WHEN n {rest} 10 = 3 THEN 'sign_in:refused' ELSE 'attributes:released' END"
    basis = f"CASE WHEN n {rest} 10 = 7 THEN 'law' ELSE 'request' END"
    refused = f"n {rest} 10 = 3"
    over = "OVERRIDING SYSTEM VALUE " if is_postgresql else ""
    columns = "type, at, actor_id, public_service_id, leaf, c_subject, c_actor"
    log.vandal.does(
        f"INSERT INTO access_entry (citizen_id, id, xid, {columns}, sealed_subject, sealed_actor)"  # noqa: S608 - our own words
        f" {over}SELECT {person}, n, 1, {kind}, {at}, {person}, {service},"
        f" {', '.join([empty] * 5)} FROM ({series}) s"
    )
    log.vandal.does(
        "INSERT INTO entry_key (citizen_id, entry_id, subject_wrapped, actor_wrapped, kek_id)"  # noqa: S608 - our own words
        f" SELECT {person}, n, {empty}, {empty}, 'none' FROM ({series}) s"
    )
    log.vandal.does(
        "INSERT INTO log_position (position, citizen_id, entry_id, leaf_hash)"  # noqa: S608 - our own words
        f" SELECT n - 1, {person}, n, {empty} FROM ({series}) s"
    )
    log.vandal.does(
        "INSERT INTO log_facet (position, citizen_id, entry_id, type, at, public_service_id,"  # noqa: S608 - our own words
        f" basis, is_refused) SELECT n - 1, {person}, n, {kind}, {at}, {service}, {basis},"
        f" {refused} FROM ({series}) s"
    )
    if is_postgresql:
        log.vandal.does(
            "SELECT setval(pg_get_serial_sequence('access_entry', 'id'), :1)", count + 1
        )
    log.vandal.does("ANALYZE")


def _hex(number: str, *, is_postgresql: bool) -> str:
    """An id with this number in it, as the database keeps one."""
    if is_postgresql:
        return f"lpad(to_hex({number}), 32, '0')::uuid"
    return f"printf('%032x', {number})"
