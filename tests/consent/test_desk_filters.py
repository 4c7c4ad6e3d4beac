"""Lists that an officer narrows, by what the worker drew from the log; and keeps under a name."""

import re

import pytest
import time_machine

from consent.desk import filters, listing, saved
from identity import database, trail
from identity.entry import Who
from identity.public_services import registered
from tests import desks, exchange
from tests.databases import ROOT
from tests.deciding import words
from tests.desks import links, looks_of, rows
from tests.exchange import ask, decision, entries, give
from tests.people import form_token, lan, submit
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app", "catalogues")
MOST_STATEMENTS = 14


@pytest.fixture(scope="module")
def town(app):
    """Two services of two organisations; a release on request, one on law, a refusal."""
    exchange.publish_catalogues()
    one, other = a_service(), a_service()
    made = {}
    for name, service, basis in (("request", one, "request"), ("law", other, "law")):
        given = give(lan(), service, decision("full_name", basis=basis))
        assert ask(app.test_client(), given).status_code == 200
        made[name] = entries(given.person.citizen_id)[-1].id
    given = give(lan(), one, decision("full_name"))
    assert ask(app.test_client(), given, attributes=["date_of_birth"]).status_code == 403
    made["refused"] = entries(given.person.citizen_id)[-1].id
    desks.known()
    return {"one": one, "other": other, **made}


def test_organisations_are_offered_in_the_order_of_the_dictionary():
    """Đ follows D; by code points it would follow everything."""
    for name in ("Sở Tư pháp 8", "Đội Giám sát 8"):
        told = {"name": name, "code": f"K{len(name)}", "level": "other", "block": "other"}
        a_service(organisation=told)

    listed = [choice.organisation_name for choice in filters.choices()]

    assert listed.index("Đội Giám sát 8") < listed.index("Sở Tư pháp 8")


class TestFilters:
    def found(self, theirs, town, **query):
        shown = rows(theirs.get("/audit/entries", query_string=query))
        return {name for name in ("request", "law", "refused") if town[name] in shown}

    def test_by_service_organisation_basis_and_result(self, theirs, town):
        one = registered.find(town["one"].client_id)

        assert self.found(theirs, town, service=one.client_id) == {"request", "refused"}
        assert self.found(theirs, town, organisation=one.organisation.code) >= {"request"}
        assert self.found(theirs, town, basis="law") == {"law"}
        assert self.found(theirs, town, result="refused", service=one.client_id) == {"refused"}
        assert self.found(theirs, town, result="done", basis="request") == {"request"}
        assert self.found(theirs, town, type="attributes:refused") == {"refused"}

    def test_by_period_in_the_calendar_of_viet_nam(self, theirs):
        """23:30 in Viet Nam is still that day, though it is another one in UTC or here."""
        her = lan()
        made = {}
        for name, at in (("eve", "2025-03-09T16:59:59Z"), ("day", "2025-03-09T17:00:00Z")):
            with time_machine.travel(at, tick=False):
                made[name] = trail.record("token:refused", Who(her.citizen_id)).id
        desks.known()

        def found(**query):
            return set(rows(theirs.get("/audit/entries", query_string=query))) & set(made.values())

        assert found(**{"from": "10/03/2025", "until": "2025-03-10"}) == {made["day"]}
        assert found(**{"from": "2025-03-09", "until": "09/03/2025"}) == {made["eve"]}
        assert found(until="2025-03-10") == set(made.values())
        assert found(**{"from": "2025-03-11", "until": "2025-03-12"}) == set()

    def test_a_clock_set_back_hides_nothing_from_a_period(self, theirs):
        her = lan()
        with time_machine.travel("2025-06-02T08:00:00Z", tick=False):
            trail.record("token:refused", Who(her.citizen_id))
        with time_machine.travel("2025-06-01T08:00:00Z", tick=False):
            back = trail.record("token:refused", Who(her.citizen_id)).id
        desks.known()

        shown = rows(theirs.get("/audit/entries?from=2025-06-01&until=2025-06-01"))

        assert back in shown

    def test_the_filters_stand_in_the_log(self, theirs, officer, town):
        client_id = town["one"].client_id
        theirs.get(
            "/audit/entries",
            query_string={"basis": "law", "service": client_id, "type": "attributes:released"},
        )

        (look,) = looks_of(officer)
        assert look.subject["kind"] == "attributes:released"
        assert look.subject["filters"] == {"service": client_id, "basis": "law"}

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"from": "32/01/2026"}, "from"),
            ({"from": "mai"}, "from"),
            ({"until": "0001-01-01"}, "until"),
            ({"until": "9999-12-31"}, "until"),
            ({"from": "2026-02-02", "until": "2026-02-01"}, "until"),
            ({"from": "2026-02-02", "last": "7"}, "last"),
            ({"service": "nobody"}, "service"),
            ({"organisation": "x"}, "organisation"),
            ({"basis": "none"}, "basis"),
            ({"result": "x"}, "result"),
            ({"last": "8"}, "last"),
        ],
    )
    def test_what_cannot_be_meant_is_marked_and_nothing_is_shown(
        self, theirs, officer, query, field
    ):
        page = theirs.get("/audit/entries", query_string=query)

        assert page.status_code == 400
        assert f'href="#{field}"' in page.text
        assert f'id="{field}-error"' in page.text
        assert "data-entry" not in page.text
        assert looks_of(officer) == []

    def test_a_search_by_person_can_be_narrowed(self, theirs, town):
        her = lan()
        mine = trail.record("token:refused", Who(her.citizen_id), subject={"reason": "x"}).id
        trail.record("sign_in:succeeded", Who(her.citizen_id, her.citizen_id))
        desks.known()
        told = {"number": her.national_id, "case": "VV-1", "reason": "Đơn của công dân"}
        at = submit(theirs, "/audit/entries", **told).location

        assert rows(theirs.get(f"{at}&result=refused")) == [mine]
        assert town["law"] not in rows(theirs.get(f"{at}&basis=law"))

    def test_every_type_that_is_written_can_be_asked_for(self):
        page = (ROOT / "docs/interfaces.md").read_text()
        told = [line for line in page.splitlines() if re.match(r"\| `[a-z_]+:[a-z_]+`", line)]
        written = {
            name
            for line in told
            if "nothing writes them yet" not in line
            for name in re.findall(r"`([a-z_]+:[a-z_]+)`", line.split("|")[1])
        }

        assert written == set(filters.KINDS)

    def test_a_page_of_fifty_costs_what_a_page_of_one_costs(self, theirs):
        """Whatever was remembered before: no look-up for each row."""
        for _ in range(listing.PAGE):
            known = registered.find(a_service().client_id)
            trail.record("service:refused", Who(public_service=known.id))
        desks.known()
        kept = submit(theirs, "/audit/entries?result=refused&last=7", name="x").status_code
        assert kept in {200, 400}
        spent = {}
        for query in (
            "type=service:refused&last=7&result=refused",
            "from=2001-01-01&until=2001-01-02",
        ):
            theirs.get(f"/audit/entries?{query}")
            registered.forget()
            with database.counted() as tally:
                page = theirs.get(f"/audit/entries?{query}")
            spent[len(rows(page))] = tally.round_trips - 2 * tally.commits

        assert max(spent) == listing.PAGE
        # Within one: what other tests left waiting, or a minute that ended, may cost a statement.
        assert max(spent.values()) - min(spent.values()) <= 1
        assert max(spent.values()) <= MOST_STATEMENTS + 1


class TestSaved:
    def keep(self, theirs, name="Việc của tuần", **asked):
        page = theirs.get("/audit/entries", query_string=asked)
        return theirs.post(
            "/audit/searches", data={"csrf_token": form_token(page), "name": name, **asked}
        )

    def test_filters_are_kept_under_a_name_and_run_again(self, theirs, officer):
        at = self.keep(theirs, basis="law", last="30").location

        page = theirs.get(at)

        assert re.fullmatch(r"/audit/entries\?saved=[0-9a-f-]{36}", at)
        assert "Bộ lọc đã lưu: Việc của tuần" in words(page)
        (kept,) = looks_of(officer, kind="search:saved")
        assert kept.subject["filters"] == {"basis": "law", "last": "30"}
        run = looks_of(officer)[-1]
        assert run.subject["saved"] == kept.subject["saved"]
        assert run.subject["filters"] == {"basis": "law", "last": "30"}

    def test_paging_stays_within_it(self, theirs, monkeypatch):
        monkeypatch.setattr(listing, "PAGE", 1)
        her = lan()
        for _ in range(3):
            trail.record("token:refused", Who(her.citizen_id))
        desks.known()
        at = self.keep(theirs, type="token:refused").location

        (older,) = links(theirs.get(at), "next")

        assert at.partition("?")[2] in older
        assert len(rows(theirs.get(older))) == 1

    def test_one_can_be_removed(self, theirs, officer):
        at = self.keep(theirs, basis="law").location
        other = self.keep(theirs, "Việc khác", basis="consent").location
        page = theirs.get(at)
        path = f"/audit/searches/{at.partition('=')[2]}/remove"
        assert f'action="{path}"' in page.text

        assert theirs.post(path, data={"csrf_token": form_token(page)}).status_code == 303
        assert theirs.post(path, data={"csrf_token": form_token(page)}).status_code == 404
        assert theirs.get(at).status_code == 404
        assert "Bộ lọc đã lưu: Việc khác" in words(theirs.get(other))
        assert len(looks_of(officer, kind="search:removed")) == 1

    @pytest.mark.parametrize("name", ["", "  ", "x" * 61, "về 097 188 000 001"])
    def test_a_name_that_will_not_do_is_marked(self, theirs, officer, name):
        answer = self.keep(theirs, name, basis="law")

        assert answer.status_code == 400
        assert 'href="#saved-name"' in answer.text
        assert "097 188" not in answer.text
        assert looks_of(officer, kind="search:saved") == []

    def test_there_is_room_for_twenty(self, theirs, monkeypatch):
        monkeypatch.setattr(saved, "MOST", 1)
        assert self.keep(theirs, basis="law").status_code == 303

        answer = self.keep(theirs, "Khác", basis="law")

        assert answer.status_code == 400
        assert "Xóa một bộ lọc cũ" in words(answer)

    def test_a_person_is_never_kept(self, theirs, officer):
        """Only filters: what else a form brings is not looked at."""
        told = {"csrf_token": form_token(theirs.get("/audit/entries")), "name": "x", "basis": "law"}
        theirs.post(
            "/audit/searches", data=told | {"search": "1", "number": "097188000001", "of": "x"}
        )

        (kept,) = looks_of(officer, kind="search:saved")
        assert set(kept.subject["filters"]) == {"basis"}

    def test_filters_that_there_are_not_are_refused(self, theirs):
        told = {"csrf_token": form_token(theirs.get("/audit/entries")), "name": "x"}

        assert theirs.post("/audit/searches", data=told | {"basis": "none"}).status_code == 400
