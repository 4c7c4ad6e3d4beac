"""Lists of the log as files: exactly what was counted, told in the log, a large one by two."""

import csv
import hashlib
import io
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from consent.exports import ask, make, sheet
from consent.exports.records import AuditExport
from identity import clock, database, trail
from identity.entry import NOBODY, Who
from identity.public_services import registered
from tests import desks, exchange
from tests.desks import OTHER_UNIT, at_the_desk
from tests.exchange import decision, entries, give
from tests.people import a_security_officer, form_token, lan
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app", "catalogues")
KIND = "service:refused"
WHY = "Báo cáo quý cho thanh tra"


@pytest.fixture
def another(app):
    return at_the_desk(app, unit=OTHER_UNIT)


@pytest.fixture
def service():
    """A service with three refusals in the log, and what they are found by."""
    return refusals(3)


def refusals(count):
    known = registered.find(a_service().client_id)
    for n in range(count):
        told = {"reason": f"=cmd|{n}"}
        trail.record(KIND, Who(public_service=known.id), subject=told)
    desks.known()
    return known.client_id


def request(theirs, reason=WHY, **asked):
    page = theirs.get("/audit/exports/new", query_string=asked)
    told = {"csrf_token": form_token(page), "reason": reason}
    return theirs.post("/audit/exports", data=told | asked)


def newest(officer):
    """The export that this officer asked for last."""
    mine = select(AuditExport.__table__).where(AuditExport.staff_id == officer.id)
    return database.row(mine.order_by(AuditExport.id.desc()).limit(1))


def act(browser, export_id, what):
    told = {"csrf_token": form_token(browser.get("/audit/entries"))}
    return browser.post(f"/audit/exports/{export_id}/{what}", data=told)


def told_of(officer, kind):
    return [e for e in entries(NOBODY) if e.type == kind and e.acting["actor"] == officer.id.hex]


def lines(answer):
    assert answer.status_code == 200, answer.text
    assert answer.data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


class TestSmall:
    def test_a_short_list_can_be_fetched_at_once(self, theirs, officer, service):
        assert request(theirs, service=service, type=KIND).status_code == 303
        export = newest(officer)

        answer = act(theirs, export.id, "file")

        head, *body = lines(answer)
        assert len(head) == len(sheet.COLUMNS)
        assert len(body) == export.entries == 3
        assert {line[8] for line in body} == {service}
        assert {line[12] for line in body} == {"refused"}
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
        assert answer.headers["Cache-Control"] == "no-store"
        assert int(answer.headers["Content-Length"]) == len(answer.data)

    def test_every_step_is_an_entry_with_filters_count_and_digest(self, theirs, officer, service):
        request(theirs, service=service, result="refused")
        answer = act(theirs, newest(officer).id, "file")

        (asked,), (made,) = told_of(officer, "export:requested"), told_of(officer, "export:made")

        for entry in (asked, made):
            assert entry.subject["filters"] == {"service": service, "result": "refused"}
            assert entry.subject["entries"] == 3
        assert asked.subject["reason"] == WHY
        assert made.subject["sha256"] == hashlib.sha256(answer.data).hexdigest()
        assert made.subject["bytes"] == len(answer.data)
        assert newest(officer).file_digest.hex() == made.subject["sha256"]

    def test_it_does_not_grow_after_it_was_counted(self, theirs, officer, service):
        request(theirs, service=service)
        first = act(theirs, newest(officer).id, "file")
        trail.record(KIND, Who(public_service=registered.find(service).id))
        desks.known()

        again = act(theirs, newest(officer).id, "file")

        assert first.data == again.data
        assert len(told_of(officer, "export:made")) == 2

    def test_a_period_that_moves_is_kept_as_days(self, theirs, officer, service):
        with time_machine.travel(clock.now(), tick=False):  # no midnight in between
            request(theirs, service=service, last="1")
            today = clock.today().isoformat()

        assert newest(officer).filters == {"service": service, "from": today, "until": today}

    def test_times_are_those_of_viet_nam(self, theirs, officer):
        with time_machine.travel("2024-02-03T20:15:16Z", tick=False):
            trail.record("key:rotated", Who())
        desks.known()
        request(theirs, **{"from": "2024-02-04", "until": "2024-02-04"})

        (line,) = lines(act(theirs, newest(officer).id, "file"))[1:]

        assert line[2] == "2024-02-04T03:15:16+07:00"
        assert datetime.fromisoformat(line[2])

    def test_no_person_stands_in_it(self, app, theirs, officer):
        her, service = lan(full_name="Quách Thị Ngọc Trân"), a_service()
        given = give(her, service, decision("full_name"))
        assert exchange.ask(app.test_client(), given).status_code == 200
        desks.known()
        request(theirs, service=service.client_id, type="attributes:released")

        text = act(theirs, newest(officer).id, "file").text

        assert "full_name" in text
        assert re.search(r"N-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", text)
        for hidden in (her.full_name, her.national_id, her.citizen_id.hex, str(her.citizen_id)):
            assert hidden not in text

    def test_it_is_made_in_pieces(self, theirs, officer, service, monkeypatch):
        monkeypatch.setattr(sheet, "PIECE", 1)
        request(theirs, service=service, type=KIND)

        assert len(lines(act(theirs, newest(officer).id, "file"))) == 4

    @pytest.mark.parametrize("reason", ["", "  ", "a" * 501, "về 097 188 000 001"])
    def test_a_reason_is_asked_for(self, theirs, officer, service, reason):
        answer = request(theirs, reason, service=service)

        assert answer.status_code == 400
        assert 'href="#reason"' in answer.text
        assert "097 188" not in answer.text
        assert newest(officer) is None

    def test_nothing_and_too_much_are_no_export(self, theirs, officer, service, monkeypatch):
        monkeypatch.setattr(ask, "MOST", 2)

        assert request(theirs, until="2000-01-01").status_code == 400
        assert "khoảng thời gian ngắn hơn" in request(theirs, service=service).text
        assert newest(officer) is None

    def test_the_reason_lies_sealed(self, theirs, officer, service):
        request(theirs, service=service)

        assert "thanh tra" not in newest(officer).reason


class TestFormulas:
    @pytest.mark.parametrize(
        "cell",
        [
            *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1"),
            *("＝1", "＋1", "－1", "＠x", "﹦1", "﹢1", "﹣1", "﹫x", "⁺1", "−1", "\u3000＝1"),
            *("\u200b=1", "\ufeff=1", "\u202e=1", "\u200b＝1"),
        ],
    )
    def test_what_a_spreadsheet_could_calculate_is_text(self, cell):
        assert sheet.safe(cell) == f"'{cell}"

    @pytest.mark.parametrize(
        ("cell", "safe"),
        [
            ("HS;=1+1;", "HS;'=1+1;"),
            (";=cmd|' /C calc'!A0;", ";'=cmd|' /C calc'!A0;"),
            ('x; "=A1&"', 'x;\' "=A1&"'),
            ("x\n=1;\u200b＝2", "x\n'=1;'\u200b＝2"),
            ("=1;-2", "'=1;'-2"),
        ],
    )
    def test_nor_does_a_semicolon_begin_one(self, cell, safe):
        """Where lists are separated by semicolons, quotes do not keep a cell together."""
        assert sheet.safe(cell) == safe

    @pytest.mark.parametrize("cell", ["", "HS-2026", "1.004222", "a=b", "Điều 18", "a; b-c", "12"])
    def test_everything_else_is_as_it_is(self, cell):
        assert sheet.safe(cell) == cell

    def test_cells_of_a_file_are_safe(self, theirs, officer, service):
        request(theirs, service=service, type=KIND)

        answer = act(theirs, newest(officer).id, "file")

        assert {line[14] for line in lines(answer)[1:]} == {"'=cmd|0", "'=cmd|1", "'=cmd|2"}
        assert b'"\'=cmd|0"\r\n' in answer.data


class TestLarge:
    @pytest.fixture(autouse=True)
    def _few(self, monkeypatch):
        monkeypatch.setattr(ask, "ALONE", 2)

    def test_it_waits_for_an_officer_of_another_unit(self, theirs, officer, another, service):
        request(theirs, service=service, type=KIND)
        export = newest(officer)
        early = act(theirs, export.id, "file")

        assert (export.state, early.status_code) == ("waiting", 409)
        assert f'id="export-{export.id}"' in another.get("/audit/exports").text
        assert WHY in another.get("/audit/exports").text
        assert act(another, export.id, "confirm").status_code == 303
        assert len(lines(act(theirs, export.id, "file"))) == 4
        assert act(another, export.id, "file").status_code == 404

    def test_a_second_officer_can_decline(self, app, theirs, officer, service):
        second = a_security_officer(unit=OTHER_UNIT)
        request(theirs, service=service)

        act(at_the_desk(app, second), newest(officer).id, "decline")

        assert act(theirs, newest(officer).id, "file").status_code == 409
        assert len(told_of(second, "export:declined")) == 1
        assert "Không được xác nhận" in theirs.get("/audit/exports").text

    def test_a_confirmed_one_ends_after_a_day(self, app, theirs, officer, another, service):
        request(theirs, service=service)
        act(another, newest(officer).id, "confirm")

        with time_machine.travel(clock.now() + timedelta(hours=24, minutes=1)):
            late = at_the_desk(app, officer)
            assert act(late, newest(officer).id, "file").status_code == 404

    def test_one_that_nobody_confirmed_ends_after_a_week(self, app, theirs, officer, service):
        request(theirs, service=service)

        with time_machine.travel(clock.now() + timedelta(days=7, minutes=1)):
            late = at_the_desk(app, unit=OTHER_UNIT)
            assert act(late, newest(officer).id, "confirm").status_code == 409
            assert f"export-{newest(officer).id}" not in late.get("/audit/exports").text

    def test_of_a_yes_and_a_no_at_once_one_stands(self, app, theirs, officer, service):
        request(theirs, service=service)
        export = newest(officer)
        browsers = [at_the_desk(app, unit=OTHER_UNIT) for _ in range(4)]

        with ThreadPoolExecutor(4) as threads:
            acts = ("confirm", "decline", "confirm", "decline")
            answers = list(threads.map(lambda b, a: act(b, export.id, a), browsers, acts))

        assert sorted(answer.status_code for answer in answers) == [303, 409, 409, 409]
        decided = [e for e in entries(NOBODY) if e.subject.get("export") == export.id.hex]
        ends = [e.type for e in decided if e.type in {"export:confirmed", "export:declined"}]
        assert len(ends) == 1


class TestAttacker:
    @pytest.mark.parametrize("unit", ["Đơn vị giám sát 1", " đơn  vị GIÁM SÁT 1 "])
    def test_nobody_confirms_for_their_own_unit(
        self, app, theirs, officer, service, monkeypatch, unit
    ):
        monkeypatch.setattr(ask, "ALONE", 2)
        colleague = a_security_officer(unit=unit)
        request(theirs, service=service)
        export = newest(officer)

        for browser, who in ((theirs, officer), (at_the_desk(app, colleague), colleague)):
            for what in ("confirm", "decline"):
                assert act(browser, export.id, what).status_code == 403
            assert told_of(who, "export:refused")[0].subject["reason"] == "same_unit"
        assert newest(officer).state == "waiting"

    def test_nobody_is_two_officers(self, app, service, monkeypatch):
        """A second account in another unit is no second person."""
        monkeypatch.setattr(ask, "ALONE", 2)
        number = {"own_citizen_id": lan().citizen_id}
        one, other = (a_security_officer(unit=unit, **number) for unit in ("Đội 1", "Đội 2"))
        request(at_the_desk(app, one), service=service)

        answer = act(at_the_desk(app, other), newest(one).id, "confirm")

        assert answer.status_code == 403
        assert newest(one).state == "waiting"

    def test_a_large_list_in_small_pieces_is_large(
        self, app, theirs, officer, another, service, monkeypatch
    ):
        monkeypatch.setattr(ask, "ALONE", 5)
        states = []
        for _ in range(2):
            request(theirs, service=service, type=KIND)
            states.append(newest(officer).state)
        act(another, newest(officer).id, "confirm")
        with time_machine.travel(clock.now() + timedelta(hours=24, minutes=1)):
            request(at_the_desk(app, officer), service=service, type=KIND)
            states.append(newest(officer).state)

        assert states == ["ready", "waiting", "ready"]

    def test_small_pieces_at_once_are_large_too(self, app, officer, service, monkeypatch):
        monkeypatch.setattr(ask, "ALONE", 5)
        browsers = [at_the_desk(app, officer) for _ in range(3)]

        with ThreadPoolExecutor(3) as threads:
            list(threads.map(lambda b: request(b, service=service, type=KIND), browsers))

        mine = select(AuditExport.state).where(AuditExport.staff_id == officer.id)
        assert sorted(row.state for row in database.rows(mine)) == ["ready", "waiting", "waiting"]

    @pytest.mark.parametrize("what", ["confirm", "decline", "file"])
    def test_an_invented_export_is_none(self, theirs, what):
        assert act(theirs, uuid.uuid4(), what).status_code == 404

    def test_nobody_exports_entries_about_themselves(self, app):
        """Neither counted nor written: the rule stands in both statements."""
        her, service = lan(), a_service()
        officer = a_security_officer(own_citizen_id=her.citizen_id)
        own = at_the_desk(app, officer)
        known = registered.find(service.client_id)
        trail.record("token:refused", Who(her.citizen_id, public_service=known.id))
        other = trail.record("token:refused", Who(lan().citizen_id, public_service=known.id))
        desks.known()

        request(own, service=service.client_id, type="token:refused")

        (line,) = lines(act(own, newest(officer).id, "file"))[1:]
        assert int(line[0]) == other.id

    def test_an_account_that_was_named_meanwhile_takes_its_entries_out(self, own_log):
        """What was counted cannot be fetched any more, and the log says so."""
        her, officer = lan(), a_security_officer()
        theirs = at_the_desk(own_log.app, officer)
        own_log.is_told(1, citizen=her.citizen_id)
        desks.known()
        request(theirs, type="sign_in:succeeded")
        own_log.vandal.does("UPDATE staff SET own_citizen_id = :1", _stored(her.citizen_id))

        answer = act(theirs, newest(officer).id, "file")

        assert answer.status_code == 409
        assert told_of(officer, "export:refused")[0].subject["reason"] == "changed"
        assert told_of(officer, "export:made") == []

    def test_an_entry_that_is_gone_is_noticed(self, own_log):
        officer = a_security_officer()
        theirs = at_the_desk(own_log.app, officer)
        ids = own_log.is_told(3)
        desks.known()
        request(theirs, type="sign_in:succeeded")
        own_log.vandal.does("DELETE FROM access_entry WHERE id = :1", ids[1])

        assert act(theirs, newest(officer).id, "file").status_code == 409

    def test_a_file_that_changes_while_it_is_sent_is_cut(self):
        """The digest in the log is of what was sent, or the last piece never leaves."""
        parts = [sheet.Piece(b"one", 1), sheet.Piece(b"two", 1)]
        digest = hashlib.sha256(b"onetwo").digest()

        assert b"".join(make._checked(iter(parts), digest)) == b"onetwo"
        sent = make._checked(iter([*parts, sheet.Piece(b"more", 1)]), digest)
        assert [next(sent), next(sent)] == [b"one", b"two"]
        with pytest.raises(make.FileChanged):
            next(sent)

    def test_a_form_with_filters_of_its_own_is_refused(self, theirs, officer):
        told = {"csrf_token": form_token(theirs.get("/audit/exports/new")), "reason": WHY}

        assert theirs.post("/audit/exports", data=told | {"basis": "x"}).status_code == 400
        assert theirs.post("/audit/exports", data={"reason": WHY}).status_code == 403
        assert newest(officer) is None


def _stored(citizen_id):
    return citizen_id if database.is_postgresql() else citizen_id.hex
