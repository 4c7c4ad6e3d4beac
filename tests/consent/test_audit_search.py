"""A security officer looks for one person: with a case and a reason, and the person sees it."""

import re
import uuid
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from consent.looks.records import AuditSearch
from identity import clock, database, trail
from identity.entry import NOBODY, Who
from tests import objecting
from tests.deciding import signed_in, words
from tests.desks import rows
from tests.exchange import entries
from tests.people import (
    a_security_officer,
    form_token,
    lan,
    minh,
    new_number,
    sign_in,
    sign_in_officer,
    submit,
)
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app", "catalogues")
CASE, REASON = "HS-2026-77", "Người dân hỏi ai đã xem dữ liệu"


def look_for(browser, number, *, case=CASE, reason=REASON):
    """The form as it is sent; the answer leads to what was found."""
    return submit(browser, "/audit/entries", number=number, case=case, reason=reason)


def looks(officer, about):
    """What the log says of an officer's looks at somebody, the listing of all left out."""
    mine = [e for e in entries(about) if e.type == "staff:looked" and "case" in e.subject]
    return [e for e in mine if e.acting["actor"] == officer.id.hex]


def test_a_search_finds_the_entries_of_that_person_and_of_nobody_else(theirs):
    her, him = lan(), minh()
    hers = trail.record("sign_in:succeeded", Who(her.citizen_id, her.citizen_id))
    his = trail.record("sign_in:succeeded", Who(him.citizen_id, him.citizen_id))

    found = rows(theirs.get(look_for(theirs, her.national_id).location))

    assert hers.id in found
    assert his.id not in found


def test_no_person_stands_in_the_address_or_on_the_page(theirs):
    """Contract: a search leads to `?search=<opaque id>`."""
    her = lan(full_name="Quách Thị Ngọc Trân")

    answer = look_for(theirs, her.national_id)
    page = theirs.get(answer.location)

    assert answer.status_code == 303
    assert re.fullmatch(r"/audit/entries\?search=[0-9a-f-]{36}", answer.location)
    assert her.citizen_id.hex not in answer.location.replace("-", "")
    for hidden in (her.national_id, her.full_name, her.citizen_id.hex, str(her.citizen_id)):
        assert hidden not in page.text


@pytest.mark.parametrize("between", [" ", ".", "-", "\u00a0"])
def test_a_number_may_be_written_in_groups(theirs, officer, between):
    her = lan()
    number = between.join((her.national_id[:3], her.national_id[3:6], her.national_id[6:]))

    theirs.get(look_for(theirs, number).location)

    assert len(looks(officer, her.citizen_id)) == 1


def test_every_page_of_it_is_an_entry_about_that_person_with_case_and_reason(theirs, officer):
    her = lan()
    at = look_for(theirs, her.national_id).location

    theirs.get(at)
    theirs.get(at + "&type=sign_in:refused")

    first, second = looks(officer, her.citizen_id)
    assert (first.subject["case"], first.subject["reason"]) == (CASE, REASON)
    assert (first.subject["result"], second.subject["kind"]) == ("shown", "sign_in:refused")


def test_the_person_sees_who_looked_for_them_in_which_case_and_why(app, theirs):
    her, hers = lan(), app.test_client()
    theirs.get(look_for(theirs, her.national_id).location)
    sign_in(hers, her)

    said = words(hers.get("/my/access"))

    assert "Đơn vị giám sát 1" in said
    assert "Cán bộ giám sát truy cập xem nhật ký" in said
    assert CASE in said
    assert REASON in said
    assert "Phạm Thu Hà" not in said


def test_a_number_of_nobody_finds_nothing_and_the_search_is_in_the_log(theirs, officer):
    page = theirs.get(look_for(theirs, new_number(), case="HS-none").location)

    assert rows(page) == []
    assert "Không có mục nào." in page.text
    (look,) = [e for e in looks(officer, NOBODY) if e.subject["case"] == "HS-none"]
    assert (look.subject["result"], look.subject["shown"]) == ("nothing found", 0)


def test_somebody_without_entries_and_nobody_look_alike(theirs):
    """The first page; the second shows the officer's own first look."""
    known = theirs.get(look_for(theirs, lan().national_id).location)
    unknown = theirs.get(look_for(theirs, new_number()).location)

    assert _plain(known) == _plain(unknown)


def _plain(page):
    text = re.sub(r'value="[^"]*"', "", page.text)
    return re.sub(r"back=[^\"]*|data-entry=\"\d+\"|\d{2}:\d{2} ngày [\d/]+", "", text)


def test_the_words_of_an_objection_are_shown_to_who_has_a_reason(app, theirs):
    her, service = lan(), a_service(procedures=["1.002759"])
    number = objecting.objects(signed_in(app.test_client(), her), service).number

    page = theirs.get(look_for(theirs, her.national_id).location)

    assert number in page.text
    assert objecting.REASON in page.text


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"number": ""}, "search-number"),
        ({"number": "97188"}, "search-number"),
        ({"number": "0971 8800 000x"}, "search-number"),
        ({"case": "   "}, "search-case"),
        ({"reason": ""}, "search-reason"),
        ({"reason": "a" * 501}, "search-reason"),
        ({"case": "097188000001"}, "search-case"),
        ({"reason": "hỏi về 097 188 000 001"}, "search-reason"),
        ({"reason": "097.188.000.001 hỏi"}, "search-reason"),
    ],
)
def test_a_search_without_number_case_and_reason_is_none(theirs, officer, changed, field):
    """Nor may a number stand where it would stay in the log for good."""
    her = lan()
    told = {"number": her.national_id, "case": CASE, "reason": REASON} | changed

    answer = submit(theirs, "/audit/entries", **told)

    assert answer.status_code == 400
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}"' in answer.text
    assert re.findall(r"data-entry", answer.text) == []
    assert her.national_id not in answer.text
    assert looks(officer, her.citizen_id) == []


def test_a_case_number_with_many_digits_is_no_personal_number(theirs):
    answer = look_for(theirs, lan().national_id, case="000.00.15.H29-261122-0001")

    assert answer.status_code == 303


def test_it_is_kept_sealed(theirs):
    at = look_for(theirs, lan().national_id).location

    row = database.row(select(AuditSearch.__table__).where(AuditSearch.id == uuid.UUID(at[-36:])))

    assert REASON.encode() not in bytes(row.sealed)
    assert CASE.encode() not in bytes(row.sealed)


class TestAttacker:
    def test_another_officer_cannot_open_it(self, app, theirs):
        at = look_for(theirs, lan().national_id).location
        another = app.test_client()
        sign_in_officer(another, a_security_officer())

        answer = another.get(at)

        assert answer.status_code == 404
        assert 'id="error"' in answer.text

    def test_it_ends_after_an_hour(self, theirs, app, officer):
        at = look_for(theirs, lan().national_id).location
        with time_machine.travel(clock.now() + timedelta(minutes=61)):
            again = app.test_client()
            sign_in_officer(again, officer)
            assert again.get(at).status_code == 404

    @pytest.mark.parametrize("told", ["", "x", "0" * 32, str(uuid.UUID(int=77))])
    def test_an_invented_search_is_none(self, theirs, told):
        assert theirs.get("/audit/entries", query_string={"search": told}).status_code == 404

    def test_nobody_looks_for_themselves_and_the_try_stays(self, app):
        """Contract: nobody opens entries about themselves."""
        her = lan()
        officer = a_security_officer(own_citizen_id=her.citizen_id)
        theirs, mine = app.test_client(), app.test_client()
        sign_in_officer(theirs, officer)

        answer = look_for(theirs, her.national_id)

        assert answer.status_code == 403
        (look,) = looks(officer, her.citizen_id)
        assert look.subject["result"] == "refused"
        sign_in(mine, her)
        assert "Từ chối" in words(mine.get("/my/access"))

    def test_a_search_from_another_site_is_refused(self, theirs, officer):
        her = lan()
        token = form_token(theirs.get("/audit/entries"))
        form = {"number": her.national_id, "case": CASE, "reason": REASON}

        without = theirs.post("/audit/entries", data=form)
        foreign = theirs.post(
            "/audit/entries",
            data=form | {"csrf_token": token},
            headers={"Origin": "https://evil.example"},
        )

        assert (without.status_code, foreign.status_code) == (403, 403)
        assert looks(officer, her.citizen_id) == []

    def test_what_was_typed_comes_back_as_text(self, theirs):
        answer = look_for(theirs, "1", case='"><script>alert(1)</script>')

        assert answer.status_code == 400
        assert "<script>alert" not in answer.text
