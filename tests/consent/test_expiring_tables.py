"""Tables do not grow for ever: what has expired goes in bounded batches, and nothing that lives."""

import datetime as dt
import enum
import itertools
import os
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import JSON, Column, Enum, Table, func, insert, select

from identity import clock, database, worker
from identity.columns import Base, Instant
from identity.database import new_id, transaction
from identity.joining import Purge, joined

BATCH, EXPIRED, LIVE = 3, 7, 2
_numbers = itertools.count(1)
BY_TYPE: dict[type, Callable[[], Any]] = {
    uuid.UUID: new_id,
    bytes: lambda: os.urandom(32),
    bool: lambda: False,
    int: lambda: next(_numbers),
    str: lambda: f"word-{next(_numbers)}",
    dt.date: clock.today,
    dict: dict,
    list: list,
}


class Rows:
    """Makes rows of any table; what they refer to is made once, and lives."""

    def __init__(self) -> None:
        self.parents: dict[str, dict[str, Any]] = {}

    def add(self, table: Table, **told: Any) -> dict[str, Any]:
        """One more row, filled with what its columns allow."""
        known = self._references(table)
        row = {
            column.name: known[column.name] if column.name in known else _value(column)
            for column in table.columns
            if column.name in known or not (column.nullable or column.identity)
        } | told
        with transaction():
            database.write(insert(table).values(row))
        return row

    def _references(self, table: Table) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key in table.foreign_key_constraints:
            if key.referred_table is table or all(each.nullable for each in key.columns):
                continue
            # A row that is one of its parent's only has a parent of its own.
            is_its_own = set(table.primary_key.columns) <= set(key.columns)
            parent = (
                self.add(key.referred_table) if is_its_own else self._parent(key.referred_table)
            )
            found |= {each.parent.name: parent[each.column.name] for each in key.elements}
        return found

    def _parent(self, table: Table) -> dict[str, Any]:
        if table.name not in self.parents:
            self.parents[table.name] = self.add(table)
        return self.parents[table.name]


def _value(column: Column[Any]) -> Any:
    if isinstance(column.type, Enum):
        kind = column.type.enum_class
        return next(iter(kind)) if kind and issubclass(kind, enum.Enum) else column.type.enums[0]
    if isinstance(column.type, JSON):
        return {}
    if isinstance(column.type, Instant):
        return clock.now() + timedelta(days=1)
    return BY_TYPE[column.type.python_type]()


@pytest.fixture
def rules(own_log) -> list[Purge]:
    """Every rule that empties a table, on a database of its own."""
    assert own_log.app
    return joined().purges


def counts() -> dict[str, int]:
    return {
        name: database.row(select(func.count()).select_from(table))[0]
        for name, table in Base.metadata.tables.items()
    }


def oldest(rule: Purge) -> dt.datetime:
    table = Base.metadata.tables[rule.table]
    return database.row(select(func.min(table.c[rule.column])))[0]


def filled(rules: list[Purge], rows: Rows, *, number: int, passed: timedelta) -> None:
    for rule in rules:
        for _ in range(number):
            at = clock.now() - rule.keep - passed
            rows.add(Base.metadata.tables[rule.table], **{rule.column: at})


@pytest.mark.slow
def test_what_has_expired_goes_in_batches_and_nothing_that_lives(rules, monkeypatch):
    """Design §10, each expiring table of docs/retention.md."""
    monkeypatch.setattr(worker, "PURGE_BATCH", BATCH)
    rows = Rows()
    filled(rules, rows, number=LIVE, passed=timedelta(days=-1))
    filled(rules, rows, number=EXPIRED, passed=timedelta(minutes=1))
    before = counts()

    with database.counted() as tally:
        gone = worker.purge()

    assert gone == EXPIRED * len(rules)
    emptied = Counter(rule.table for rule in rules)  # a table may have rows of two kinds
    assert counts() == {name: held - emptied[name] * EXPIRED for name, held in before.items()}
    assert [rule.table for rule in rules if oldest(rule) < clock.now() - rule.keep] == []
    assert tally.commits == (EXPIRED // BATCH + 1) * len(rules)


@pytest.mark.slow
def test_they_do_not_grow_however_often_it_is_done(rules):
    """The same load day after day leaves the same number of rows."""
    rows, seen = Rows(), set()
    filled(rules, rows, number=1, passed=timedelta(days=-1))
    for _ in range(3):
        filled(rules, rows, number=2, passed=timedelta(hours=1))
        worker.purge()
        seen.add(tuple(counts()[rule.table] for rule in rules))

    assert len(seen) == 1
