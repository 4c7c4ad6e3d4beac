"""`/audit/entries`: security officers read the log, and each page they see is an entry."""

import re
import uuid
from datetime import timedelta

import pytest
import time_machine

from consent.desk import listing
from consent.looks.entries import tag
from identity import clock, log_keys, trail, worker
from identity.database import transaction
from identity.entry import NOBODY, Who
from identity.staff.records import Role
from tests.deciding import signed_in, words
from tests.desks import known, looks_of, rows
from tests.exchange import ask, decision, entries, give
from tests.objecting import REASON, objects
from tests.people import a_security_officer, lan, sign_in, sign_in_officer
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app", "catalogues")


def test_the_review_begins_at_the_desk_and_leads_to_the_entries(theirs):
    page = theirs.get("/audit")

    assert rows(page)
    assert 'href="/audit/entries"' in page.text


def test_the_newest_entries_are_shown_without_anybodys_name_or_number(app, theirs):
    """Contract: subjects are pseudonymous tags."""
    her, service = lan(full_name="Quách Thị Ngọc Trân"), a_service()
    given = give(her, service, decision("full_name"))
    assert ask(app.test_client(), given).status_code == 200

    page = theirs.get("/audit/entries")

    released = entries(her.citizen_id)[-1]
    assert rows(page)[0] == released.id
    assert "attributes:released" in page.text
    assert re.search(r"N-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", page.text)
    for hidden in (her.full_name, her.national_id, her.citizen_id.hex, str(her.citizen_id)):
        assert hidden not in page.text


def test_one_person_has_one_tag_and_another_has_another():
    her, him = uuid.uuid4(), uuid.uuid4()

    assert tag("N", her) == tag("N", her) != tag("N", him)
    assert tag("N", NOBODY) == ""


def test_each_page_shown_is_an_entry_with_its_filter_and_its_size(theirs, officer):
    """Reference access-log §3, rule 0.3: one entry per query, never one per row."""
    assert looks_of(officer) == []

    page = theirs.get("/audit/entries", query_string={"type": "staff:looked"})

    (look,) = looks_of(officer)
    assert look.subject == {
        "result": "shown",
        "shown": len(rows(page)),
        "kind": "staff:looked",
    }
    assert look.acting["unit"] == "Đơn vị giám sát 1"
    assert look.acting["role"] == "security-officer"
    assert look.id not in rows(page)


def test_no_entry_no_page(theirs, officer, monkeypatch):
    """Design §2.1: where the log cannot be written, nothing is shown."""
    shown = rows(theirs.get("/audit/entries"))[0]
    monkeypatch.setattr(listing.trail, "record", _cannot)

    answer = theirs.get("/audit/entries")

    assert answer.status_code == 500
    assert f'data-entry="{shown}"' not in answer.text
    assert len(looks_of(officer)) == 1


def _cannot(*_args, **_params):
    raise RuntimeError("the disk is full")


def test_a_list_can_be_narrowed_to_one_type(theirs):
    her = lan()
    trail.record("token:refused", Who(citizen=her.citizen_id), subject={"reason": "x"})
    known()

    page = theirs.get("/audit/entries", query_string={"type": "token:refused"})

    table = page.text[page.text.index("<tbody>") :]
    assert set(re.findall(r"<br><code>([a-z_:]+)</code>", table)) == {"token:refused"}


def test_a_type_that_is_none_narrows_nothing(theirs, officer):
    page = theirs.get("/audit/entries", query_string={"type": "'; DROP TABLE"})

    assert rows(page)
    assert "kind" not in looks_of(officer)[0].subject


def test_the_next_page_goes_on_where_this_one_ended(theirs, monkeypatch):
    monkeypatch.setattr(listing, "PAGE", 3)
    her = lan()
    for _ in range(5):
        trail.record("sign_in:succeeded", Who(her.citizen_id, her.citizen_id))
    known()

    first = theirs.get("/audit/entries?type=sign_in:succeeded")
    path = re.search(r'rel="next" href="([^"]+)"', first.text)[1].replace("&amp;", "&")
    second = theirs.get(path)

    assert len(rows(first)) == len(rows(second)) == 3
    assert min(rows(first)) > max(rows(second))


def test_a_place_in_the_tree_is_shown_once_there_is_one(own_log):
    officer = a_security_officer()
    theirs = own_log.app.test_client()
    sign_in_officer(theirs, officer)
    own_log.grows(1)

    said = words(theirs.get("/audit/entries"))

    assert "chưa vào sổ" not in said
    assert "vị trí 0" in said


def test_an_entry_whose_clock_was_set_back_says_so(own_log):
    """Security case 57: its place is by sequence; its time is shown, with the mark."""
    her, officer = lan(), a_security_officer()
    tomorrow = clock.now() + timedelta(days=1)  # after whatever is told on the way
    for behind in (0, 3600, 65):
        with time_machine.travel(tomorrow - timedelta(seconds=behind), tick=False):
            own_log.is_told(1, citizen=her.citizen_id)
    own_log.is_placed()
    theirs, hers = own_log.app.test_client(), own_log.app.test_client()
    sign_in_officer(theirs, officer)
    sign_in(hers, her)

    for browser, path in ((theirs, "/audit/entries"), (hers, "/my/access")):
        said = words(browser.get(path))
        assert "Đồng hồ chạy lùi 3.600 giây" in said
        assert said.count("Đồng hồ chạy lùi") == 1  # 65 seconds may lie between two machines


def test_entries_about_oneself_are_left_out(app):
    """Contract: nobody opens entries about themselves."""
    her = lan()
    mine = trail.record("sign_in:succeeded", Who(her.citizen_id, her.citizen_id))
    theirs = app.test_client()
    sign_in_officer(theirs, a_security_officer(own_citizen_id=her.citizen_id))
    another = app.test_client()
    sign_in_officer(another, a_security_officer())

    assert mine.id not in rows(theirs.get("/audit/entries"))
    assert mine.id in rows(another.get("/audit/entries"))


def test_an_objection_is_seen_with_its_number_and_without_its_words(app, theirs):
    her, service = lan(), a_service(procedures=["1.002759"])
    citizen = signed_in(app.test_client(), her)
    number = objects(citizen, service).number

    page = theirs.get("/audit/entries")

    assert number in page.text
    assert REASON not in page.text


class TestHealth:
    def test_a_log_that_agrees_with_the_second_store_is_said_to(self, own_log, a_worker):
        theirs = own_log.app.test_client()
        sign_in_officer(theirs, a_security_officer())
        own_log.grows(3)
        a_worker()

        said = words(theirs.get("/audit/entries"))

        assert "Cơ sở dữ liệu khớp với kho thứ hai." in said

    def test_nobody_at_work_is_noticed(self, own_log, a_worker):
        theirs = own_log.app.test_client()
        sign_in_officer(theirs, a_security_officer())
        a_worker()
        with time_machine.travel(clock.now() + timedelta(seconds=11)):
            said = words(theirs.get("/audit/entries"))

        assert "kiểm tra tiến trình nền" in said

    def test_a_second_store_that_was_put_back_is_named_with_what_to_do(self, own_log):
        theirs = own_log.app.test_client()
        sign_in_officer(theirs, a_security_officer())
        own_log.grows(3)
        store = own_log.settings.log_head
        note = store.read_bytes()
        own_log.grows(3)
        store.write_bytes(note)

        said = words(theirs.get("/audit/entries"))

        assert "không khớp" in said
        assert "log-head" in said
        assert "restore" in said


@pytest.fixture
def a_worker():
    """The worker's turn at the heads."""

    def turn():
        with transaction():
            worker.mark("heads", "1")

    return turn


class TestAttacker:
    @pytest.mark.parametrize("path", ["/audit", "/audit/entries"])
    def test_nobody_comes_in_without_signing_in(self, client, path):
        answer = client.get(path)

        assert (answer.status_code, answer.location) == (303, "/staff/sign-in")

    def test_a_citizen_is_no_officer(self, app):
        hers = app.test_client()
        sign_in(hers, lan())

        assert hers.get("/audit/entries").location == "/staff/sign-in"

    @pytest.mark.parametrize("role", [Role.OPERATOR, Role.COUNTER_OFFICER, Role.INSPECTOR])
    def test_another_role_of_the_staff_does_not_come_in(self, app, role):
        theirs = app.test_client()
        sign_in_officer(theirs, a_security_officer(role=role))

        answer = theirs.get("/audit/entries")

        assert answer.status_code == 403
        assert rows_of(answer) == []

    def test_there_is_no_way_to_change_an_entry(self, app):
        """Security case 58: of the log itself only a search by person is ever posted."""
        rules = [r for r in app.url_map.iter_rules() if r.rule.startswith(("/audit", "/log"))]

        methods = {(r.rule, m) for r in rules for m in r.methods - {"HEAD", "OPTIONS", "GET"}}
        about_entries = {each for each in methods if each[0].startswith(("/audit/entries", "/log"))}
        assert about_entries == {("/audit/entries", "POST")}
        assert {method for _, method in methods} == {"POST"}

    def test_a_key_of_the_log_is_not_on_the_page(self, theirs):
        page = theirs.get("/audit/entries")

        assert log_keys.log_key().kid not in page.text


def rows_of(page):
    return re.findall(r'data-entry="(\d+)"', page.text)
