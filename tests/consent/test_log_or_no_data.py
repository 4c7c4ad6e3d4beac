"""Log or no data (docs/invariants.md, 1): what cannot be recorded is not released."""

import sqlite3
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import select, update

from consent.exchange import attempt
from identity import database
from identity.database import transaction
from identity.granted.gate import TokenRef
from identity.granted.records import ServiceGrant
from identity.trail import AccessEntry
from tests import exchange
from tests.exchange import ask, decision, entries, fill_register, give, sign, told
from tests.people import lan
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app")
CERTIFICATE = "DĐ 04188217"


def test_a_disclosure_that_cannot_be_recorded_does_not_happen(client, monkeypatch):
    """The disk is full, or the database went away, just when the entry was to be written."""
    exchange.publish_catalogues()
    person = lan()
    fill_register("land", told(person, "land_certificate_number", CERTIFICATE))
    given = give(person, a_service(), decision("land_certificate_number"))
    before = _released(person)
    kind = psycopg.OperationalError if database.is_postgresql() else sqlite3.OperationalError

    def fails(*_clauses):
        raise kind("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(attempt, "together", fails)
        refused = ask(client, given)

    assert (refused.status_code, refused.json["type"]) == (503, "urn:motlan:error:log-unavailable")
    assert refused.headers["Retry-After"]
    assert CERTIFICATE not in refused.text
    assert _released(person) == before
    assert ask(client, given).status_code == 200  # and it recovers without anybody's help


def _released(person):
    return [entry.id for entry in entries(person.citizen_id) if entry.type == "attributes:released"]


def test_who_acts_for_another_stands_in_the_entry(client):
    """Design §7: the grant says who acts, the token only that somebody does."""
    exchange.publish_catalogues()
    person, mother = lan(), lan()
    given = give(person, a_service(), decision("full_name"))
    with transaction():
        acts = update(ServiceGrant).where(ServiceGrant.id == given.grant_id)
        database.write(acts.values(actor_id=mother.citizen_id))
    ref = TokenRef(person.citizen_id, given.grant_id, 1, given.family_id)
    token = sign(given.service, ref, given.carried, actor="pairwise-of-the-mother")

    answer = ask(client, replace(given, token=token))

    assert answer.status_code == 200
    mine = AccessEntry.citizen_id == person.citizen_id
    rows = database.rows(select(AccessEntry.actor_id).where(mine).order_by(AccessEntry.id))
    assert rows[-1].actor_id == mother.citizen_id
