"""What entries are found by: drawn once, counted by the hour, and never by a full scan."""

import re
import secrets
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from consent.audit.tree import Frontier, Head, is_included
from consent.facets import draw, nodes, records
from consent.facets.records import LogFacet, LogHour, LogNode
from identity import database, trail, worker
from identity.entry import Who
from identity.joining import joined
from tests import desks
from tests.exchange import ask, decision, entries, give
from tests.people import lan
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app", "catalogues")
FAN = draw.FAN


def facet(entry_id):
    return database.row(select(LogFacet.__table__).where(LogFacet.entry_id == entry_id))


def test_an_entry_can_be_found_by_what_it_says(client):
    her, service = lan(), a_service()
    assert ask(client, give(her, service, decision("full_name"))).status_code == 200
    desks.known()
    released = entries(her.citizen_id)[-1]

    found = facet(released.id)

    assert (found.type, found.basis, found.is_refused) == ("attributes:released", "request", False)
    assert found.citizen_id == her.citizen_id


def test_a_refusal_inside_the_words_is_one_too():
    """`staff:looked` does not say in its type that nothing was shown."""
    her = lan()
    refused = trail.record("staff:looked", Who(her.citizen_id), subject={"result": "refused"})
    shown = trail.record("staff:looked", Who(her.citizen_id), subject={"result": "shown"})
    desks.known()

    assert facet(refused.id).is_refused
    assert not facet(shown.id).is_refused


def test_drawn_again_nothing_is_drawn_twice():
    trail.record("sign_in:refused", Who(lan().citizen_id))
    desks.known()
    before = len(database.rows(select(LogFacet.position)))

    assert draw.draw() == 0
    assert len(database.rows(select(LogFacet.position))) == before


def test_an_hour_counts_the_repeats_that_one_entry_stands_for():
    """A thousand wrong passwords within a minute are two entries."""
    her, hour = lan(), datetime(2031, 5, 4, 3, tzinfo=UTC)
    with time_machine.travel(hour + timedelta(minutes=59, seconds=59), tick=False):
        trail.record("sign_in:refused", Who(her.citizen_id), subject={"reason": "password"})
        told = {"reason": "password", "repeats": 999}
        trail.record("sign_in:refused", Who(her.citizen_id), subject=told)
    with time_machine.travel(hour + timedelta(hours=1), tick=False):
        trail.record("sign_in:refused", Who(her.citizen_id), subject={"reason": "password"})
    desks.known()

    assert records.hours("sign_in:refused", since=hour) == {
        hour: 1000,
        hour + timedelta(hours=1): 1,
    }


def test_hours_end_and_facets_do_not():
    """docs/retention.md."""
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    with time_machine.travel(long_ago, tick=False):
        kept = trail.record("sign_in:refused", Who(lan().citizen_id))
    desks.known()
    assert records.hours("sign_in:refused", since=long_ago)[long_ago] == 1

    worker.purge()

    query = select(LogHour.hour_at).where(LogHour.hour_at == long_ago)
    assert database.rows(query) == []
    assert facet(kept.id) is not None


def test_an_entry_that_cannot_be_read_holds_nothing_up(own_log):
    ids = own_log.is_told(3)
    own_log.vandal.does(
        "UPDATE entry_key SET actor_wrapped = subject_wrapped WHERE entry_id = :1", ids[1]
    )
    desks.known()

    assert [facet(each).basis for each in ids] == [None] * 3
    assert facet(ids[2]) is not None


def test_a_missing_entry_holds_nothing_up(own_log):
    ids = own_log.is_told(3)
    own_log.is_placed()
    own_log.vandal.does("DELETE FROM access_entry WHERE id = :1", ids[1])
    desks.known()

    assert facet(ids[1]) is None
    assert facet(ids[2]) is not None


def test_it_is_a_duty_of_the_worker_and_can_be_late(app):  # noqa: ARG001 - both halves are joined
    assert "facets" in {duty.name for duty in joined().duties}


class Leaves:
    """A tree in memory, in the place of the two tables."""

    def __init__(self, size, *, stored=True):
        self.hashes = [secrets.token_bytes(32) for _ in range(size)]
        self.statements = 0
        self.stored = stored

    def leaf_hashes(self, ranges):
        self.statements += 1
        return {
            at: self.hashes[at]
            for start, end in ranges
            for at in range(start, min(end, len(self.hashes)))
        }

    def nodes(self, ranges):
        self.statements += 1
        if not self.stored:
            return {}
        return {
            (tier, n): self.root(n * FAN**tier, (n + 1) * FAN**tier)
            for tier, start, end in ranges
            for n in range(start, end)
        }

    def root(self, start, end):
        return Frontier().grown(self.hashes[start:end]).root()


@pytest.mark.slow
class TestPaths:
    @pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 513, 1000, 66_000])
    def test_a_path_of_any_leaf_leads_to_the_root_in_two_statements(self, monkeypatch, size):
        """RFC 6962 §2.1.1, where only whole subtrees are stored."""
        tree = Leaves(size)
        monkeypatch.setattr(nodes, "records", tree)
        head = Head(size, tree.root(0, size))
        for index in {0, size // 2, size // 3, size - 1}:
            tree.statements = 0
            path = nodes.path(index, size)
            assert tree.statements <= 2
            assert is_included(tree.hashes[index], index, proof=path, head=head)

    def test_what_the_worker_has_not_stored_yet_comes_from_the_leaves(self, monkeypatch):
        tree = Leaves(1500, stored=False)
        monkeypatch.setattr(nodes, "records", tree)

        path = nodes.path(700, 1500)

        assert is_included(tree.hashes[700], 700, proof=path, head=Head(1500, tree.root(0, 1500)))

    def test_a_tree_with_a_hole_has_no_path(self, monkeypatch):
        tree = Leaves(10)
        monkeypatch.setattr(nodes, "records", tree)

        with pytest.raises(nodes.PathBroken):
            nodes.path(3, 12)

    def test_whole_subtrees_are_stored_once(self, own_log):
        own_log.is_told(FAN + 3)
        desks.known()

        (row,) = database.rows(select(LogNode.__table__))

        leaves = records.leaf_hashes([(0, FAN)])
        assert (row.tier, row.n) == (1, 0)
        assert row.hash == Frontier().grown(leaves[at] for at in range(FAN)).root()


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_no_list_of_a_hundred_thousand_reads_the_whole_log(own_log):
    """By an index, whatever is asked; and the first page of everything stops after its rows."""
    desks.a_crowd(own_log, 100_000)
    a_client = a_service().client_id
    theirs = desks.at_the_desk(own_log.app)
    theirs.get("/audit/entries")
    lists = (
        "",
        "type=sign_in:refused",
        "basis=law",
        "result=refused",
        "result=done",
        f"service={a_client}",
        "last=7",
        "from=2020-01-01&until=2020-02-01",
        "type=sign_in:refused&last=1&result=refused",
        "before=50000",
        "after=50000",
        "basis=law&after=50000",
    )
    for query in lists:
        with desks.statements() as told:
            assert theirs.get(f"/audit/entries?{query}").status_code == 200
        about_entries = [
            each for each in told if "FROM access_entry" in each[0] or "FROM log_facet" in each[0]
        ]
        assert about_entries
        for statement, parameters in about_entries:
            if not statement.startswith("SELECT") or "FOR UPDATE" in statement:
                continue
            how = desks.plan(statement, parameters)
            assert not re.search(
                r"Seq Scan on (access_entry|log_facet|log_position|entry_key)", how
            ), how
            assert not re.search(
                r"SCAN (access_entry|log_facet|log_position|entry_key)$", how, re.MULTILINE
            ), how
