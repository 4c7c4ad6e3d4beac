"""An objection is answered once, by an officer, and the person reads the answer."""

import json

import pytest

from consent.ledger import records
from consent.objections import review as objections
from consent.objections.object import OBJECTION
from tests.deciding import an_asking_service, words
from tests.exchange import entries
from tests.objecting import REASON, objects
from tests.people import a_security_officer, form_token, sign_in_officer, submit

pytestmark = pytest.mark.usefixtures("app", "catalogues")
ANSWER = "Đã kiểm tra: hồ sơ do người khác nộp nhầm,\nđã chuyển cơ quan xử lý."
UNIT = "Đơn vị giám sát 4"


@pytest.fixture
def raised(her):
    return objects(her, an_asking_service())


@pytest.fixture
def officer():
    return a_security_officer(unit=UNIT)


def page_of(row):
    return f"/audit/objections/{row.number}"


def test_the_officer_reads_the_reason_and_not_the_person(theirs, officer, her, raised):
    page = theirs.get(page_of(raised))

    assert REASON in words(page)
    assert her.person.full_name not in page.text
    assert her.person.national_id not in page.text
    look = entries(her.person.citizen_id)[-1]
    assert (look.type, look.subject["objection"]) == ("staff:looked", raised.number)
    assert look.acting["actor"] == officer.id.hex
    assert REASON not in repr(look)


def test_the_list_leads_to_it_until_it_is_answered(theirs, raised, monkeypatch):
    monkeypatch.setattr(objections, "PAGE", 10_000)  # other tests' objections are older
    assert f'href="{page_of(raised)}"' in theirs.get("/audit/entries").text

    submit(theirs, page_of(raised), answer=ANSWER)

    assert f'href="{page_of(raised)}"' not in theirs.get("/audit/entries").text


def test_the_person_reads_the_answer_and_the_unit(theirs, her, raised):
    sent = submit(theirs, page_of(raised), answer=ANSWER)

    assert (sent.status_code, sent.location) == (303, page_of(raised))
    page = her.client.get(f"/my/objections/{raised.id}")
    assert ANSWER in page.text
    assert UNIT in words(page)
    assert "Đã trả lời" in words(page)
    assert "Phạm Thu Hà" not in page.text
    assert "Đã trả lời" in words(her.client.get("/my"))
    assert "Đã trả lời" in words(her.client.get("/my/consents"))


def test_the_answer_is_an_entry_that_the_person_sees(theirs, officer, her, raised):
    submit(theirs, page_of(raised), answer=ANSWER)

    (written,) = [e for e in entries(her.person.citizen_id) if e.type == "objection:answered"]
    assert written.subject["objection"] == raised.number
    assert (written.acting["actor"], written.acting["unit"]) == (officer.id.hex, UNIT)
    assert "nhầm" not in repr(written)
    listed = words(her.client.get("/my/access"))
    assert "Trả lời phản đối" in listed
    assert raised.number in listed


def test_the_answer_is_sealed(theirs, her, raised):
    """Invariant 4."""
    submit(theirs, page_of(raised), answer=ANSWER)

    (row,) = records.objections_of(her.person.citizen_id)
    assert "nhầm".encode() not in row.sealed_answer
    assert json.dumps("nhầm").encode() not in row.sealed_answer
    assert OBJECTION.answer_to(row).text == ANSWER


def test_a_second_answer_is_not_taken(theirs, app, her, raised):
    """Two officers at once: the later one is told, and reads what stands."""
    other = app.test_client()
    sign_in_officer(other, a_security_officer())
    late = form_token(other.get(page_of(raised)))
    submit(theirs, page_of(raised), answer=ANSWER)

    sent = other.post(page_of(raised), data={"csrf_token": late, "answer": "Không có gì sai."})

    assert sent.status_code == 409
    assert "đã được trả lời trước đó" in words(sent)
    assert ANSWER in sent.text
    (row,) = records.objections_of(her.person.citizen_id)
    assert OBJECTION.answer_to(row).text == ANSWER


@pytest.mark.parametrize("text", ["", "  \n", "x" * 2_001])
def test_an_answer_says_something(theirs, her, raised, text):
    sent = submit(theirs, page_of(raised), answer=text)

    assert sent.status_code == 400
    assert 'href="#answer"' in sent.text
    (row,) = records.objections_of(her.person.citizen_id)
    assert row.closed_at is None


class TestAttacker:
    """Numbers that are guessed, officers about themselves, citizens as officers."""

    def test_a_number_that_nobody_has_is_not_found(self, theirs):
        page = theirs.get("/audit/objections/PD-2026-AAAAAAAAAA")

        assert page.status_code == 404
        assert "không có phản đối nào mang số này" in words(page).lower()

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_nobody_answers_their_own_objection(self, app, her, raised, method):
        own = app.test_client()
        sign_in_officer(own, a_security_officer(own_citizen_id=her.person.citizen_id))
        form = {"csrf_token": form_token(own.get("/audit/entries")), "answer": ANSWER}

        sent = own.get(page_of(raised)) if method == "get" else own.post(page_of(raised), data=form)

        assert sent.status_code == 403
        assert REASON not in sent.text
        (row,) = records.objections_of(her.person.citizen_id)
        assert row.closed_at is None
        tried = entries(her.person.citizen_id)[-1]
        assert (tried.type, tried.subject["result"]) == ("staff:looked", "refused")

    def test_a_citizen_is_no_officer(self, her, raised):
        page = her.client.get(page_of(raised))

        assert (page.status_code, page.location) == (303, "/staff/sign-in")
