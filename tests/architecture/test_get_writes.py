"""A GET writes only what it must (invariant 9): everything else is a POST with its own proof."""

import shutil
import uuid

import pytest
import time_machine
from sqlalchemy import func, select

from identity import clock, database
from identity import settings as settings_module
from identity.columns import Base
from tests.asking import a_sender, signed_in
from tests.people import a_security_officer, lan, sign_in_officer

pytestmark = [pytest.mark.slow]

# What any GET may touch: a session's last sight, rate counters, entries through the trail.
ANYWHERE = {
    "citizen_session",
    "staff_session",
    "attempt_budget",
    "access_entry",
    "entry_key",
    "refusal_tally",
    "revoked_token",
    "spent_assertion",
    "spent_proof",
}
# At /authorize also a pending request, its grant and the code that answers it.
AT_AUTHORIZE = ANYWHERE | {
    "authorization_request",
    "pushed_request",
    "service_grant",
    "grant_decision",
    "authorization_code",
    "pairwise_subject",
}
VALUES = {"uuid": str(uuid.UUID(int=7)), "filename": "style.css", "default": "x"}


@pytest.fixture
def app(another_app, databases, settings, tmp_path):
    """An app of the test's own: every row is read after every request, so let there be few."""
    shutil.copytree(settings.secrets, tmp_path / "secrets")
    environ = {"MOTLAN_HOME": str(tmp_path), "MOTLAN_DEMO": "1", "MOTLAN_ARGON2": "t=1,m=64,p=1"}
    environ |= {"MOTLAN_PROCESSES": "1"} | databases.copy().environment
    return another_app(settings_module.read(environ))


# Thousands of rows that an import brings: their number is enough to see one written.
COUNTED = {"place", "place_change"}


def everything():
    """Every table's rows, as they stand."""
    return {
        name: database.rows(select(func.count()).select_from(table))
        if name in COUNTED
        else sorted(map(repr, database.rows(select(table))))
        for name, table in Base.metadata.tables.items()
    }


def changed(client, path, *, before=None, **query):
    """Which tables a GET of this path has changed, its status, and how everything stands now."""
    before = everything() if before is None else before
    with client.get(path, query_string=query) as answer:
        status = answer.status_code
    after = everything()
    return {name for name in before if before[name] != after[name]}, status, after


def paths(app):
    """Every GET route, its variables filled in."""
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if "GET" in rule.methods:
            kinds = {name: type(made).__name__ for name, made in rule._converters.items()}
            values = {
                name: uuid.UUID(int=7) if kind == "UUIDConverter" else VALUES.get(name, "x")
                for name, kind in kinds.items()
            }
            yield adapter.build(rule.endpoint, values, method="GET")


def test_no_get_of_a_stranger_a_citizen_or_an_officer_writes_more_than_it_may(app):
    """Some minutes later, so that a last sight is written too."""
    citizen, officer, stranger = app.test_client(), app.test_client(), app.test_client()
    signed_in(citizen, lan())
    sign_in_officer(officer, a_security_officer())
    wide, now = {}, everything()

    with time_machine.travel(clock.now().timestamp() + 300, tick=True):
        for path in set(paths(app)):
            for client in (stranger, citizen, officer):
                touched, status, now = changed(client, path, before=now)
                assert status != 500, path
                allowed = AT_AUTHORIZE if path == "/authorize" else ANYWHERE
                if touched - allowed:
                    wide[path] = touched - allowed

    assert not wide


def test_authorize_writes_the_request_its_grant_and_its_code(app):
    """The widest GET there is, asked for real: and still nothing beyond its list."""
    client = app.test_client()
    signed_in(client, lan())
    sender = a_sender(client)

    touched, status, _now = changed(client, "/authorize", **sender.query())

    assert status == 303
    assert {"service_grant", "authorization_code"} <= touched <= AT_AUTHORIZE
