"""The pages under docs/ say what the code says: tables, tests, modules, paths, commands."""

import importlib
import re

import pytest

from identity.columns import Base
from identity.joining import joined
from tests.databases import ROOT

pytestmark = pytest.mark.usefixtures("app")  # both halves are loaded, with all their tables

CLASSES = {"for ever", "by key", "current", "expiring"}
ENTRY_TYPE = re.compile(r"\"([a-z]+(?:_[a-z]+)*:[a-z]+(?:_[a-z]+)*)\"")
EVENT = re.compile(r"\"(urn:motlan:event:[a-z-]+)\"")
NOT_ENTRIES = {"wsgi:app"}


def page(name):
    return (ROOT / "docs" / name).read_text()


def found(pattern):
    """What both packages say that looks so."""
    return {
        said
        for package in ("identity", "consent")
        for file in (ROOT / package).rglob("*.py")
        for said in pattern.findall(file.read_text())
    }


def retention():
    """Table → class, from the page."""
    rows = re.findall(
        r"^\| `([a-z_]+)` \| ([a-z ]+) \| [^|]+ \|$", page("retention.md"), re.MULTILINE
    )
    assert len(dict(rows)) == len(rows), "a table stands twice"
    return dict(rows)


def test_every_table_has_a_retention_class():
    """Design §10: and no class is promised for a table that is gone."""
    classes = retention()

    assert set(classes) == set(Base.metadata.tables)
    assert set(classes.values()) <= CLASSES


def test_exactly_the_expiring_tables_are_purged():
    """A promise to delete is kept by the worker, and nothing else is deleted by it."""
    expiring = {table for table, told in retention().items() if told == "expiring"}

    assert {rule.table for rule in joined().purges} == expiring


# A time in the name, and somebody else who sees to it, or a reason to keep it.
ENDS = re.compile(r"^(expires_at|ends_at|expired_at|ended_at|until|valid_until|next_at)$")
NOT_PURGED = {
    "decision": "history: `until` says what was decided, and nothing of it is edited",
    "grant_decision": "the duty `expiry` writes the end into the history and takes the row out",
    "service_invitation": "what its services may register by later changes stands there",
    "second_factor": "a few rows a person; an ended one is beside the one that took its place",
    "staff": "ended, not deleted: entries name the person",
}


def test_every_table_whose_rows_end_is_emptied_or_says_why_not():
    """A row that has ended and that nobody takes away stays for ever."""
    ending = {
        name
        for name, table in Base.metadata.tables.items()
        if any(ENDS.match(column.name) for column in table.columns)
    }
    purged = {rule.table for rule in joined().purges}

    assert {"token_family", "grant_decision", "citizen_session"} <= ending
    assert ending - purged == set(NOT_PURGED)


def test_who_empties_the_others_is_at_work():
    """The grants' heads have no end of their own: they go when nothing hangs on them."""
    assert {"expiry", "grants"} <= {duty.name for duty in joined().duties}


def test_what_is_kept_for_ever_is_what_the_database_protects():
    """The triggers of the migrations stand behind the page's words."""
    from migrations.protection import APPEND_ONLY  # noqa: PLC0415 - needs the project on the path

    kept = {table for table, told in retention().items() if told in {"for ever", "by key"}}

    assert kept == set(APPEND_ONLY)


def test_every_test_named_beside_an_invariant_exists():
    """docs/invariants.md."""
    named = set(re.findall(r"`(test_\w+)`", page("invariants.md")))
    written = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)\(", file.read_text())
    }

    assert named
    assert named - written == set()


def test_every_invariant_of_the_design_is_on_the_page():
    """Ten of them, each with a test."""
    parts = re.split(r"^\d+\. ", page("invariants.md"), flags=re.MULTILINE)[1:]

    assert len(parts) == 10
    assert all("`test_" in part for part in parts)


def test_every_module_on_the_journeys_exists():
    """docs/journeys.md: five journeys, each through modules that can be imported."""
    modules = set(re.findall(r"`((?:identity|consent)\.[a-z_.]+)`", page("journeys.md")))

    for name in modules:
        importlib.import_module(name)
    assert len(modules) > 20
    assert len(re.findall(r"^\d\. ", page("journeys.md"), re.MULTILINE)) == 5


def test_every_door_and_page_is_on_the_interfaces_page(app):
    """The contract: every addition is described in docs/interfaces.md."""
    told = page("interfaces.md")
    paths = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule) for rule in app.url_map.iter_rules()}

    assert {path for path in paths if f"`{path}`" not in told and f" {path}`" not in told} == set()


def test_every_command_is_on_the_interfaces_page(app):
    """An operator finds each of ours there; those of Flask-Migrate but one are its own."""
    told = page("interfaces.md")
    ours = [
        f"{name} {inner}".strip()
        for name, command in app.cli.commands.items()
        if name != "db"
        for inner in getattr(command, "commands", None) or [""]
    ]

    assert [command for command in [*ours, "db upgrade"] if f"`{command}" not in told] == []


def test_every_entry_type_is_on_the_interfaces_page():
    """Design §7: listed before first use."""
    told = page("interfaces.md")
    used = found(ENTRY_TYPE)

    assert {entry for entry in used - NOT_ENTRIES if f"`{entry}`" not in told} == set()


def test_every_event_that_a_service_is_told_is_on_the_interfaces_page():
    """Who receives it has nothing else to read."""
    told = page("interfaces.md")
    sent = found(EVENT)

    assert sent
    assert {event for event in sent if f'"{event}"' not in told} == set()
