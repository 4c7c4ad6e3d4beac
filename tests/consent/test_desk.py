"""The officers' desk: what waits, how the log stands, lists that are narrowed, kept and paged."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from consent.desk import listing, plot
from identity import clock, database, trail, worker
from identity.database import transaction
from identity.entry import Who
from identity.public_services import registered
from tests import desks
from tests.deciding import signed_in, words
from tests.desks import OTHER_UNIT, at_the_desk, links, looks_of, rows
from tests.exchange import ask, decision, entries, give
from tests.objecting import objects
from tests.people import form_token, lan, sign_in
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app", "catalogues")
# What waits and what is newest may need two more than a quiet desk; each entry of its own, none.
MOST_STATEMENTS = 19


class TestStart:
    def test_what_waits_is_counted_but_for_ones_own(self, app, theirs):
        her, service = lan(), a_service(procedures=["1.002759"])
        own = at_the_desk(app, own_citizen_id=her.citizen_id)
        number = objects(signed_in(app.test_client(), her), service).number

        page, hers = theirs.get("/audit"), own.get("/audit")

        counted = [
            int(re.search(r"/audit/objections\">[^<]+</a>: <strong>(\d+)", each.text)[1])
            for each in (page, hers)
        ]
        assert counted[0] == counted[1] + 1
        assert number in page.text
        assert number not in hers.text
        assert 'href="/audit/exports"' in page.text

    def test_the_page_says_how_the_log_and_the_worker_stand(self, own_log):
        theirs = at_the_desk(own_log.app)
        own_log.grows(3)
        with transaction():
            for duty in (worker.PROBE, "heads", "sequencer"):
                worker.mark(duty, "")

        said = words(theirs.get("/audit"))

        assert re.search(r"Đầu sổ đã ký [0-9]+ mục, lúc", said)
        assert "Khớp với cơ sở dữ liệu." in said
        assert "không có mục nào chờ" in said
        assert "Cần chạy motlan log verify" in said
        assert "Không hoạt động" not in said

    def test_a_dead_worker_and_what_waits_for_it_are_told(self, own_log):
        theirs = at_the_desk(own_log.app)
        with transaction():
            worker.mark(worker.PROBE, "")
            worker.mark("sequencer", "2026-11-22T03:32:00+00:00")
        with time_machine.travel(clock.now() + timedelta(seconds=30)):
            said = words(theirs.get("/audit"))

        assert "Không hoạt động" in said
        assert "có mục chờ từ 10:32 ngày 22/11/2026" in said

    def test_a_full_check_is_remembered_with_what_it_found(self, own_log):
        own_log.grows(2)
        runner = own_log.app.test_cli_runner()

        assert runner.invoke(args=["log", "verify"]).exit_code == 0
        said = words(at_the_desk(own_log.app).get("/audit"))

        assert "2 mục, nguyên vẹn" in said
        assert "entries" not in said
        assert "Cần chạy motlan log verify" not in said

    def test_a_full_check_that_failed_says_where(self, own_log):
        ids = own_log.grows(2)
        own_log.vandal.does("UPDATE access_entry SET type = 'x:y' WHERE id = :1", ids[1])
        runner = own_log.app.test_cli_runner()

        assert runner.invoke(args=["log", "verify"]).exit_code == 1

        said = words(at_the_desk(own_log.app).get("/audit"))
        assert "Không nguyên vẹn" in said
        assert "position 1" in said

    def test_the_look_at_it_is_an_entry(self, theirs, officer):
        shown = rows(theirs.get("/audit"))

        (look,) = looks_of(officer)
        assert (look.subject["list"], look.subject["shown"]) == ("desk", len(shown))

    def test_it_costs_the_same_whatever_there_is(self, app, theirs):
        asker = a_service(procedures=["1.002759"])
        for _ in range(3):
            objects(signed_in(app.test_client(), lan()), asker)
        services = [a_service() for _ in range(20)]
        for service in services:
            known = registered.find(service.client_id)
            trail.record("service:refused", Who(public_service=known.id))
        theirs.get("/audit")

        # Of several times the cheapest: a cache of the process may run out in any of them.
        assert min(self.statements(theirs) for _ in range(3)) <= MOST_STATEMENTS

    @staticmethod
    def statements(theirs):
        registered.forget()
        with database.counted() as tally:
            assert theirs.get("/audit").status_code == 200
        return tally.round_trips - 2 * tally.commits


class TestPlot:
    HOURS = tuple(datetime(2026, 11, 20, tzinfo=UTC) + timedelta(hours=n) for n in range(48))

    def test_bars_are_to_scale_and_stay_inside(self):
        made = plot.drawn(self.HOURS, {self.HOURS[3]: 1, self.HOURS[40]: 400})

        heights = {bar.at: bar.height for bar in made.bars if bar.count}
        assert made.top == 400
        assert heights[self.HOURS[40]] == max(heights.values()) <= made.floor
        assert 1 <= heights[self.HOURS[3]] <= 2
        assert all(bar.x + made.bar_width <= made.width and bar.y >= 0 for bar in made.bars)

    def test_no_mark_is_cut_off_at_any_hour_of_the_day(self):
        half = 5 * 18 * 0.65 / 2  # a mark has five characters, none wider than this of its 18

        for later in range(plot.EVERY):
            made = plot.drawn([hour + timedelta(hours=later) for hour in self.HOURS], {})
            middles = [bar.x + made.bar_width // 2 for bar in made.bars if bar.mark]

            assert half <= min(middles) <= max(middles) <= made.width - half

    def test_an_hour_stands_out_beside_the_usual_hour(self):
        usual = dict.fromkeys(self.HOURS, 4)

        made = plot.drawn(self.HOURS, usual | {self.HOURS[7]: 13, self.HOURS[9]: 12})

        assert [bar.at for bar in made.bars if bar.stands_out] == [self.HOURS[7]]

    def test_a_quiet_night_has_no_alarm(self):
        made = plot.drawn(self.HOURS, {self.HOURS[0]: 4})

        assert not any(bar.stands_out for bar in made.bars)
        assert made.total == 4

    def test_marks_are_hours_of_viet_nam(self):
        made = plot.drawn(self.HOURS, {})

        assert [bar.mark for bar in made.bars if bar.mark][:4] == [
            "12:00",
            "18:00",
            "00:00",
            "06:00",
        ]

    def test_the_numbers_stand_beside_it_to_the_last(self, own_log):
        theirs = at_the_desk(own_log.app)
        with time_machine.travel("2026-11-22T03:32:00Z", tick=False):
            for repeats in (None, 1233):
                told = {"reason": "password"} | ({"repeats": repeats} if repeats else {})
                trail.record("sign_in:refused", Who(lan().citizen_id), subject=told)
            desks.known()
            theirs = at_the_desk(own_log.app)
            page = theirs.get("/audit")

        table = page.text[page.text.index('id="failures"') :]
        assert "10:00 ngày 22/11/2026" in table
        assert "1.234" in table
        assert "nhiều hơn thường lệ" in table
        assert 'class="plot-bar high"' in page.text
        assert 'fill="url(#hatch)"' in page.text
        assert "style=" not in page.text
        assert "<title id=" in page.text
        assert "<desc id=" in page.text


class TestPaging:
    @pytest.mark.parametrize(
        "query", ["type=sign_in:succeeded", "type=sign_in:succeeded&result=done"]
    )
    def test_there_and_back_again(self, theirs, monkeypatch, query):
        monkeypatch.setattr(listing, "PAGE", 3)
        her = lan()
        for _ in range(8):
            trail.record("sign_in:succeeded", Who(her.citizen_id, her.citizen_id))
        desks.known()

        first = theirs.get(f"/audit/entries?{query}")
        second = theirs.get(links(first, "next")[0])
        third = theirs.get(links(second, "next")[0])
        back = theirs.get(links(third, "prev")[0])

        seen = [*rows(first), *rows(second), *rows(third)]
        assert len(set(seen)) == 9
        assert seen == sorted(seen, reverse=True)
        assert rows(back) == rows(second)
        assert links(first, "prev") == []
        assert ("result=done" in links(back, "next")[0]) is ("result" in query)

    @pytest.mark.parametrize("told", ["", "x", "-1", "1.5", "9" * 30, "٣", "1 OR 1=1"])
    @pytest.mark.parametrize("name", ["before", "after"])
    def test_a_place_that_is_none_is_refused(self, theirs, name, told):
        assert theirs.get("/audit/entries", query_string={name: told}).status_code == 400


def keep(theirs, name="Việc của tuần", **asked):
    told = {"csrf_token": form_token(theirs.get("/audit/entries")), "name": name}
    return theirs.post("/audit/searches", data=told | asked)


class TestAttacker:
    PATHS = ("/audit", "/audit/entries", "/audit/entries/1", "/audit/exports", "/audit/exports/new")

    @pytest.mark.parametrize("path", PATHS)
    def test_neither_strangers_nor_citizens_come_in(self, app, client, path):
        hers = app.test_client()
        sign_in(hers, lan())

        for browser in (client, hers):
            assert browser.get(path).location == "/staff/sign-in"

    def test_another_officers_saved_search_is_none(self, app, theirs):
        at = keep(theirs, basis="law").location
        page = theirs.get(at)
        (path,) = re.findall(r'action="(/audit/searches/[^"]+/remove)"', page.text)
        another = at_the_desk(app, unit=OTHER_UNIT)

        told = {"csrf_token": form_token(another.get("/audit/entries"))}

        assert another.get(at).status_code == 404
        assert another.post(path, data=told).status_code == 404
        assert theirs.get(at).status_code == 200
        assert "Việc của tuần" not in another.get("/audit/entries").text

    @pytest.mark.parametrize("told", ["", "x", "0" * 32, "'"])
    def test_an_invented_saved_search_is_none(self, theirs, told):
        assert theirs.get("/audit/entries", query_string={"saved": told}).status_code == 404

    def test_no_filter_leads_an_officer_to_themselves(self, app):
        """By no list, no page of it and no way around: the rule stands in the statement."""
        her, service = lan(), a_service()
        own = at_the_desk(app, own_citizen_id=her.citizen_id)
        given = give(her, service, decision("full_name", basis="law"))
        assert ask(app.test_client(), given).status_code == 200
        mine = trail.record("token:refused", Who(her.citizen_id), subject={"reason": "x"}).id
        desks.known()
        hers = {entry.id for entry in entries(her.citizen_id)}
        assert mine in hers
        for query in (
            "",
            "type=token:refused",
            "result=refused",
            "basis=law",
            f"service={service.client_id}",
            "last=1",
            f"before={mine + 1}",
            f"after={mine - 1}",
            f"result=refused&before={mine + 1}",
            f"result=refused&after={mine - 1}",
        ):
            assert not hers & set(rows(own.get(f"/audit/entries?{query}"))), query
        assert not hers & set(rows(own.get("/audit")))

    def test_facets_that_somebody_moved_show_nobody_themselves(self, own_log):
        """They are only drawn from the log; the entry itself is asked too."""
        her = lan()
        own = at_the_desk(own_log.app, own_citizen_id=her.citizen_id)
        (mine,) = own_log.is_told(1, citizen=her.citizen_id)
        desks.known()
        own_log.vandal.does(
            "UPDATE log_facet SET citizen_id = :1 WHERE entry_id = :2", lan().citizen_id.hex, mine
        )

        assert mine not in rows(own.get("/audit/entries?last=1"))

    def test_nothing_typed_comes_back_as_markup(self, theirs):
        page = theirs.get("/audit/entries", query_string={"from": '"><script>alert(1)</script>'})

        assert "<script>" not in page.text
