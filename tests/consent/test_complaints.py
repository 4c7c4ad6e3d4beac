"""A complaint about one look: numbered, sealed, answered once by an officer of another unit."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine

from consent.complaints import records, review
from consent.complaints.complain import COMPLAINT
from consent.replies import reply
from identity import clock, trail
from identity.entry import Who
from identity.staff import change
from identity.staff.records import Role
from tests.complaining import TEXT, a_look, complains
from tests.deciding import signed_in, words
from tests.exchange import entries
from tests.people import a_security_officer, form_token, minh, sign_in_officer, submit
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app", "catalogues")
ANSWER = "Đã kiểm tra: cơ quan này nhầm hồ sơ,\nđã nhắc nhở và sửa."
UNIT = "Đơn vị giám sát 7"


@pytest.fixture
def look(her):
    return a_look(her.person, a_service())


@pytest.fixture
def raised(her, look):
    return complains(her, look)


@pytest.fixture
def theirs(app):
    """An officer's browser, signed in."""
    return an_officers(app, unit=UNIT)


def an_officers(app, **told):
    browser = app.test_client()
    sign_in_officer(browser, a_security_officer(**told))
    return browser


def form_of(look):
    return f"/my/access/{look.id}/complaint"


def page_of(row):
    return f"/audit/complaints/{row.number}"


def raised_by(her):
    return records.of_person(her.person.citizen_id, limit=50)


def test_the_list_of_looks_leads_to_it_and_it_gets_a_number_and_a_day(her, look):
    """Issue 3, item 4: *không nhận ra lượt truy cập này*; law §4."""
    assert f'href="{form_of(look)}"' in her.client.get("/my/access").text

    sent = submit(her.client, form_of(look), text=TEXT)

    (row,) = raised_by(her)
    assert sent.location == f"/my/complaints/{row.id}"
    page = her.client.get(sent.location)
    assert row.number.startswith("KN-")
    assert row.number in words(page)
    assert TEXT in words(page)
    assert f'data-entry="{look.id}"' in page.text
    assert "Hạn trả lời: hết ngày" in words(page)
    for place in ("/my", "/my/complaints"):
        listed = her.client.get(place)
        assert f'href="/my/complaints/{row.id}"' in listed.text
        assert "Đang chờ trả lời" in words(listed).partition(row.number)[2]


def test_it_needs_no_words(her, look):
    """Who finds none must not be sent away."""
    assert submit(her.client, form_of(look), text="  ").status_code == 303

    (row,) = raised_by(her)
    assert COMPLAINT.words_of(row) == ""


def test_its_words_are_sealed_and_never_in_the_log(her, look, raised):
    """Invariants 4 and 8."""
    assert TEXT.encode() not in raised.sealed_text
    written = entries(her.person.citizen_id)[-1]
    assert (written.type, written.subject["complaint"]) == ("complaint:raised", raised.number)
    assert written.subject["entry"] == look.id
    assert TEXT not in repr(written)


def test_too_many_words_are_kept_and_not_sent(her, look):
    told = submit(her.client, form_of(look), text="x" * 2_001)

    assert told.status_code == 400
    assert 'href="#text"' in told.text
    assert "x" * 2_001 in told.text
    assert not raised_by(her)


def test_while_it_waits_there_is_one_about_an_entry(her, look, raised):
    """The button pressed again, the form opened again: both lead to the one that waits."""
    form = {"csrf_token": form_token(her.client.get("/sign-out")), "text": "Lần nữa"}

    again = her.client.post(form_of(look), data=form)
    opened = her.client.get(form_of(look))

    assert again.location == opened.location == f"/my/complaints/{raised.id}"
    assert len(raised_by(her)) == 1


def test_of_many_presses_at_once_one_counts(her, look, app):
    token = form_token(her.client.get(form_of(look)))
    windows = [app.test_client() for _ in range(4)]
    for window in windows:
        for name in ("motlan-citizen", "motlan-browser"):
            window.set_cookie(name, her.client.get_cookie(name).value)
    form = {"csrf_token": token, "text": TEXT}

    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(lambda window: window.post(form_of(look), data=form), windows))

    assert len({(answer.status_code, answer.location) for answer in sent}) == 1
    assert len(raised_by(her)) == 1
    assert len([e for e in entries(her.person.citizen_id) if e.type == "complaint:raised"]) == 1


def test_ten_a_day_and_no_more(her):
    service = a_service()
    for _ in range(reply.MOST):
        complains(her, a_look(her.person, service))

    told = submit(her.client, form_of(a_look(her.person, service)), text=TEXT)

    assert told.status_code == 429
    assert 0 < int(told.headers["Retry-After"]) <= 24 * 3600
    assert "Gửi tiếp được từ" in words(told)
    assert TEXT in told.text
    assert len(raised_by(her)) == reply.MOST


def test_the_officer_reads_the_words_and_the_look_and_not_the_person(theirs, her, look, raised):
    page = theirs.get(page_of(raised))

    assert TEXT in words(page)
    assert f'data-entry="{look.id}"' in page.text
    assert her.person.full_name not in page.text
    assert her.person.national_id not in page.text
    seen = entries(her.person.citizen_id)[-1]
    assert (seen.type, seen.subject["complaint"]) == ("staff:looked", raised.number)
    assert TEXT not in repr(seen)


def test_the_officers_list_leads_to_it_and_tells_what_is_late(theirs, raised, monkeypatch):
    monkeypatch.setattr(review, "PAGE", 10_000)  # other tests' complaints are older
    fresh = theirs.get("/audit/complaints")

    with time_machine.travel(clock.now() + timedelta(days=30), tick=True):
        later = an_officers_again(theirs)

    assert f'href="{page_of(raised)}"' in fresh.text
    assert "Quá hạn" not in words(fresh).partition(raised.number)[2].partition("KN-")[0]
    assert "Quá hạn" in words(later).partition(raised.number)[2].partition("KN-")[0]


def an_officers_again(browser):
    sign_in_officer(browser, a_security_officer(unit=UNIT))
    return browser.get("/audit/complaints")


def test_the_person_reads_the_answer_and_may_complain_again(theirs, her, look, raised):
    sent = submit(theirs, page_of(raised), answer=ANSWER)

    assert (sent.status_code, sent.location) == (303, page_of(raised))
    page = her.client.get(f"/my/complaints/{raised.id}")
    assert ANSWER in page.text
    assert UNIT in words(page)
    assert "Phạm Thu Hà" not in page.text
    assert f'href="{form_of(look)}"' in page.text
    assert "Đã trả lời" in words(her.client.get("/my"))
    assert submit(her.client, form_of(look), text="Vẫn chưa đúng").status_code == 303
    assert len(raised_by(her)) == 2


def test_the_answer_is_an_entry_that_the_person_sees_and_is_sealed(theirs, her, raised):
    submit(theirs, page_of(raised), answer=ANSWER)

    (written,) = [e for e in entries(her.person.citizen_id) if e.type == "complaint:answered"]
    assert (written.subject["complaint"], written.acting["unit"]) == (raised.number, UNIT)
    assert "nhầm" not in repr(written)
    assert "Trả lời khiếu nại" in words(her.client.get("/my/access"))
    (row,) = raised_by(her)
    assert "nhầm".encode() not in row.sealed_answer
    assert json.dumps("nhầm").encode() not in row.sealed_answer
    assert COMPLAINT.answer_to(row).text == ANSWER


def test_a_second_answer_is_not_taken(theirs, app, her, raised):
    other = an_officers(app)
    late = form_token(other.get(page_of(raised)))
    submit(theirs, page_of(raised), answer=ANSWER)

    sent = other.post(page_of(raised), data={"csrf_token": late, "answer": "Không có gì sai."})

    assert sent.status_code == 409
    assert ANSWER in sent.text
    (row,) = raised_by(her)
    assert COMPLAINT.answer_to(row).text == ANSWER


def test_of_two_answers_at_once_one_stands(app, her, raised):
    browsers = [an_officers(app), an_officers(app, unit=UNIT)]
    forms = [
        {"csrf_token": form_token(one.get(page_of(raised))), "answer": f"Lời {n}"}
        for n, one in enumerate(browsers)
    ]

    with ThreadPoolExecutor(2) as pool:
        sent = list(pool.map(lambda b, f: b.post(page_of(raised), data=f), browsers, forms))

    assert sorted(answer.status_code for answer in sent) == [303, 409]
    written = [e for e in entries(her.person.citizen_id) if e.type == "complaint:answered"]
    assert len(written) == 1


def test_an_answer_says_something(theirs, her, raised):
    for text in ("", "  \n", "x" * 2_001):
        sent = submit(theirs, page_of(raised), answer=text)

        assert sent.status_code == 400
        assert 'href="#answer"' in sent.text
    assert raised_by(her)[0].closed_at is None


class TestAttacker:
    """Ids of others, officers about themselves, wrong roles, markup."""

    def test_a_guessed_entry_is_none(self, her):
        for guess in ("0", "-1", "x", "9" * 18, "9" * 5_00, "²", "1e3", "0x10"):
            page = her.client.get(f"/my/access/{guess}/complaint")

            assert page.status_code == 404, guess

    def test_anothers_entry_looks_like_none(self, look, app):
        him = signed_in(app.test_client(), minh())
        form = {"csrf_token": form_token(him.client.get("/sign-out")), "text": TEXT}

        assert him.client.get(form_of(look)).status_code == 404
        assert him.client.post(form_of(look), data=form).status_code == 404
        assert not raised_by(him)

    def test_nobody_reads_anothers_complaint(self, her, raised, app):
        him = signed_in(app.test_client(), minh())

        assert her.client.get(f"/my/complaints/{raised.id}").status_code == 200
        assert him.client.get(f"/my/complaints/{raised.id}").status_code == 404
        assert raised.number not in him.client.get("/my/complaints").text

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_nobody_answers_their_own_complaint(self, app, her, raised, method):
        own = an_officers(app, own_citizen_id=her.person.citizen_id)

        assert_kept_from(own, her, raised, method)

    @pytest.mark.parametrize(
        ("method", "written"),
        [
            ("get", "Đơn vị giám sát 9"),
            ("post", "Đơn vị giám sát 9"),
            ("get", "đơn  vị GIÁM SÁT\u00a09"),
            ("post", "Don vi giam sat 9 "),
        ],
    )
    def test_nobody_answers_for_their_own_unit(self, app, her, method, written):
        """Reference access-log, R17: not by another spelling of its name either."""
        looked = a_security_officer(unit="Đơn vị giám sát 9")
        trail.record(
            "staff:looked",
            Who(her.person.citizen_id, looked.id),
            subject={"result": "shown"},
            acting={"actor": looked.id.hex, "unit": written},
        )
        (look,) = [e for e in entries(her.person.citizen_id) if e.type == "staff:looked"]
        raised = complains(her, look)
        colleague = an_officers(app, unit="Đơn vị giám sát 9")
        moved = app.test_client()
        sign_in_officer(moved, looked)

        assert_kept_from(colleague, her, raised, method)
        assert_kept_from(moved, her, raised, method)
        assert an_officers(app, unit=UNIT).get(page_of(raised)).status_code == 200

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_nobody_answers_for_their_own_account_of_before(self, app, her, method):
        """Neither the role nor the unit of then is theirs any more; the look still is."""
        number = {"own_citizen_id": minh().citizen_id}
        before = a_security_officer(role=Role.COUNTER_OFFICER, unit="Quầy 3", **number)
        trail.record(
            "staff:looked",
            Who(her.person.citizen_id, before.id),
            subject={"result": "shown"},
            acting={"actor": before.id.hex, "unit": "Quầy 3"},
        )
        (look,) = [e for e in entries(her.person.citizen_id) if e.type == "staff:looked"]
        raised = complains(her, look)
        change.leave(before.username)

        assert_kept_from(an_officers(app, **number), her, raised, method)

    def test_a_number_that_nobody_has_is_not_found(self, theirs):
        page = theirs.get("/audit/complaints/KN-2026-AAAAAAAAAA")

        assert page.status_code == 404
        assert "không có khiếu nại này" in words(page).lower()

    def test_another_role_is_kept_out(self, app, raised):
        for role in set(Role) - {Role.SECURITY_OFFICER}:
            browser = an_officers(app, role=role)

            for path in ("/audit/complaints", page_of(raised)):
                assert browser.get(path).status_code == 403, role

    def test_a_citizen_is_no_officer(self, her, raised):
        for path in ("/audit/complaints", page_of(raised)):
            assert her.client.get(path).location == "/staff/sign-in"

    def test_markup_is_text(self, her, look, theirs):
        submit(her.client, form_of(look), text="<script>1</script>{{7*7}}")

        (row,) = raised_by(her)
        for page in (her.client.get(f"/my/complaints/{row.id}"), theirs.get(page_of(row))):
            assert "<script>1" not in page.text
            assert "{{7*7}}" in page.text


def assert_kept_from(browser, her, raised, method):
    """Neither words nor list, no answer, and the attempt stands in the log."""
    form = {"csrf_token": form_token(browser.get("/audit/complaints")), "answer": ANSWER}
    is_read = method == "get"

    sent = browser.get(page_of(raised)) if is_read else browser.post(page_of(raised), data=form)

    assert sent.status_code == 403
    assert TEXT not in sent.text
    assert f'href="{page_of(raised)}"' not in browser.get("/audit/complaints").text
    assert records.find_by_number(raised.number).closed_at is None
    tried = entries(her.person.citizen_id)[-1]
    assert (tried.type, tried.subject["result"]) == ("staff:looked", "refused")
