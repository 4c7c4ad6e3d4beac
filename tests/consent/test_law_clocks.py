"""Rules 10 and 11 of the law on the pages: by when an objection is answered, and what is late."""

import re
from datetime import datetime, timedelta

import pytest
import time_machine

from consent.clocks import terms
from consent.clocks.working_days import Calendar
from consent.objections import review as listed
from identity import presentation
from identity.clock import VIETNAM
from tests.deciding import an_asking_service, signed_in, words
from tests.objecting import objects
from tests.people import a_security_officer, lan, minh, sign_in_officer, submit

pytestmark = pytest.mark.usefixtures("app", "catalogues")
RAISED = datetime(2026, 9, 9, 16, 0, tzinfo=VIETNAM)
DUE = "24/09/2026"
NOTHING_ANNOUNCED = Calendar(frozenset(), frozenset(), frozenset())


def officer_of(app, **members):
    browser = app.test_client()
    sign_in_officer(browser, a_security_officer(**members))
    return browser


def whole_list(browser):
    """Every page of the officers' list, in order."""
    place, text = "/audit/objections", ""
    while place:
        page = browser.get(place).text
        further = re.search(r'id="further" href="([^"]+)"', page)
        text, place = text + page, further and further[1]
    return text


def row_of(text, number):
    """One line of the officers' list, as it is read."""
    found = re.search(rf"<tr>(?:(?!</tr>).)*{number}.*?</tr>", text, re.DOTALL)
    return None if found is None else re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0]))


def test_the_person_is_told_by_when_it_is_answered(her):
    """Decree 356/2025/NĐ-CP Art. 5.2: 15 days."""
    row = objects(her, an_asking_service())
    last_day = presentation.day(terms.due("object", row.raised_at).done_on)

    page = words(her.client.get(f"/my/objections/{row.id}"))

    assert f"Hạn trả lời: hết ngày {last_day}" in page
    assert "Điều 5.2" in page
    assert "Quá hạn" not in page


def test_the_officers_list_says_what_is_due_first_and_what_is_late(app):
    with time_machine.travel(RAISED, tick=True):
        early = objects(signed_in(app.test_client(), lan()), an_asking_service())
    with time_machine.travel(RAISED + timedelta(days=10), tick=True):
        later = objects(signed_in(app.test_client(), minh()), an_asking_service())
    with time_machine.travel(RAISED + timedelta(days=16), tick=True):
        page = whole_list(officer_of(app))

        assert DUE in row_of(page, early.number)
        assert "Quá hạn" in row_of(page, early.number)
        assert "Quá hạn" not in row_of(page, later.number)
        assert page.index(early.number) < page.index(later.number)
        assert 'class="notice">Quá hạn: ' in page


def test_an_answer_in_time_is_late_at_no_time(app):
    with time_machine.travel(RAISED, tick=True):
        row = objects(signed_in(app.test_client(), lan()), an_asking_service())
        submit(officer_of(app), f"/audit/objections/{row.number}", answer="Đã sửa.")
    with time_machine.travel(RAISED + timedelta(days=60), tick=True):
        theirs = officer_of(app)

        assert "Quá hạn" not in words(theirs.get(f"/audit/objections/{row.number}"))
        assert row_of(whole_list(theirs), row.number) is None


def test_a_term_beyond_the_calendar_is_marked(app, her, monkeypatch):
    """Law §4: provisional, and the list asks for the calendar."""
    row = objects(her, an_asking_service())
    monkeypatch.setattr(terms, "calendar", lambda: NOTHING_ANNOUNCED)

    page = whole_list(officer_of(app))

    assert "Tạm tính" in row_of(page, row.number)
    assert 'id="provisional"' in page


def test_what_is_late_is_counted_whatever_the_page_shows(app, monkeypatch):
    """The number at the head is of all that wait, and grows when the term is over."""
    monkeypatch.setattr(listed, "PAGE", 1)
    with time_machine.travel(RAISED, tick=True):
        objects(signed_in(app.test_client(), lan()), an_asking_service())

    counts = []
    for days in (15, 16):  # the 24th, and the day after
        with time_machine.travel(RAISED + timedelta(days=days), tick=True):
            page = officer_of(app).get("/audit/objections").text
            counts.append(int(re.search(r"Quá hạn: (\d+)", page)[1]))

    assert counts[1] >= counts[0] + 1


class TestAttacker:
    """Who may read the list, and whom it names."""

    def test_it_names_nobody_and_repeats_no_words(self, app, her):
        row = objects(her, an_asking_service())

        page = whole_list(officer_of(app))

        assert row.number in page
        assert her.person.full_name not in page
        assert her.person.national_id not in page
        assert "Tôi không hề" not in page

    def test_ones_own_is_not_in_it(self, app, her):
        row = objects(her, an_asking_service())

        own = officer_of(app, own_citizen_id=her.person.citizen_id)

        assert row.number not in whole_list(own)

    @pytest.mark.parametrize("after", ["PD-2026-AAAAAAAAAA", "", "' OR 1=1", "../my"])
    def test_a_place_that_is_none_is_refused(self, app, after):
        assert officer_of(app).get(f"/audit/objections?after={after}").status_code == 404

    def test_a_citizen_does_not_get_in(self, her):
        told = her.client.get("/audit/objections")

        assert (told.status_code, told.location) == (303, "/staff/sign-in")
