"""The term of an answer is extended once, in time, with a reason that the person reads."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine

from consent.clocks import terms
from consent.clocks.terms import Span
from consent.complaints.complain import COMPLAINT
from consent.objections.object import OBJECTION
from consent.replies import extend, records
from identity import clock, presentation
from identity.staff.roles import Role
from tests.complaining import a_look, complains
from tests.deciding import an_asking_service, signed_in, words
from tests.desks import at_the_desk
from tests.exchange import entries
from tests.objecting import objects
from tests.people import a_security_officer, form_token, lan, submit

pytestmark = pytest.mark.usefixtures("app", "catalogues")
WHY = "Chờ cơ quan khai thác\ngửi nhật ký của họ."
UNIT = "Đơn vị giám sát 6"
KINDS = {"objections": OBJECTION, "complaints": COMPLAINT}


@pytest.fixture
def officer():
    return a_security_officer(unit=UNIT)


@pytest.fixture(params=sorted(KINDS))
def kind(request):
    return request.param


# Where the two share every line, one of them is enough.
of_one = pytest.mark.parametrize("kind", ["objections"])


@pytest.fixture
def raised(kind, her):
    return raises(kind, her)


def raises(kind, citizen):
    service = an_asking_service()
    if kind == "objections":
        return objects(citizen, service)
    return complains(citizen, a_look(citizen.person, service))


def page_of(kind, row):
    return f"/audit/{kind}/{row.number}"


def extends(browser, kind, row, reason=WHY):
    """The officer's form on the page of the request."""
    token = form_token(browser.get(page_of(kind, row)))
    form = {"csrf_token": token, "reason": reason}
    return browser.post(f"{page_of(kind, row)}/extension", data=form)


def days(kind, row):
    """The two days of a request, as pages say them."""
    rule = KINDS[kind].rule
    spans = (Span.FIRST, Span.EXTENDED)
    return [presentation.day(terms.due(rule, row.raised_at, span=span).done_on) for span in spans]


def written(person, kind):
    type_ = {"objections": "objection:extended", "complaints": "complaint:extended"}[kind]
    return [entry for entry in entries(person.citizen_id) if entry.type == type_]


def test_the_person_reads_until_when_and_why(theirs, her, kind, raised):
    """Decree 356/2025/NĐ-CP Art. 5.2: once, with a reason."""
    first, later = days(kind, raised)
    before = words(her.client.get(f"/my/{kind}/{raised.id}"))

    sent = extends(theirs, kind, raised)

    assert (sent.status_code, sent.location) == (303, page_of(kind, raised))
    page = her.client.get(f"/my/{kind}/{raised.id}")
    assert f"Hạn trả lời: hết ngày {first}" in before
    assert f"Hạn trả lời: hết ngày {later} Đã gia hạn" in words(page)
    assert f"Hạn ban đầu: hết ngày {first}" in words(page)
    assert "gửi nhật ký của họ." in page.text
    assert UNIT in words(page)
    assert "Phạm Thu Hà" not in page.text


def test_it_is_an_entry_that_the_person_sees_and_is_sealed(theirs, officer, her, kind, raised):
    extends(theirs, kind, raised)

    (entry,) = written(her.person, kind)
    until = terms.due(KINDS[kind].rule, raised.raised_at, span=Span.EXTENDED).done_on
    assert entry.subject["until"] == until.isoformat()
    assert raised.number in entry.subject.values()
    assert (entry.acting["actor"], entry.acting["unit"]) == (officer.id.hex, UNIT)
    assert "Chờ" not in repr(entry)
    assert "Gia hạn trả lời" in words(her.client.get("/my/access"))
    stored = bytes(records.find(raised.id, of=her.person.citizen_id).sealed_reason)
    assert "Chờ".encode() not in stored
    assert b"Ch\\u1edd" not in stored  # nor as JSON may write it


def test_the_lists_go_by_the_later_day(app, kind):
    """Between the two days it is not late; after the second it is."""
    rule = KINDS[kind].rule
    raised = raises(kind, signed_in(app.test_client(), lan()))
    extends(at_the_desk(app, a_security_officer(unit=UNIT)), kind, raised)
    ends = [terms.due(rule, raised.raised_at, span=s).done_on for s in (Span.FIRST, Span.EXTENDED)]

    for last, is_late in zip(ends, (False, True), strict=True):
        wait = timedelta(days=(last - clock.today()).days + 1)
        with time_machine.travel(clock.now() + wait, tick=True):
            browser = at_the_desk(app, a_security_officer(unit=UNIT))

            page = words(browser.get(page_of(kind, raised)))

            assert ("Quá hạn" in page) is is_late
            assert "Lý do gia hạn" not in page


def test_what_is_late_is_counted_by_the_day_that_holds(app):
    """One question to the database finds what is overdue, extended or not."""
    plain, longer = (
        objects(signed_in(app.test_client(), lan()), an_asking_service()) for _ in "ab"
    )
    before = counted(app, plain, Span.FIRST)
    extends(at_the_desk(app, a_security_officer()), "objections", longer)

    assert counted(app, plain, Span.FIRST) == before - 1
    assert counted(app, plain, Span.EXTENDED) >= before


def counted(app, row, span):
    """What the list says on the day after the term."""
    last = terms.due("object", row.raised_at, span=span).done_on
    wait = timedelta(days=(last - clock.today()).days + 1)
    with time_machine.travel(clock.now() + wait, tick=True):
        page = at_the_desk(app, a_security_officer()).get("/audit/objections").text
    return int(re.search(r"Quá hạn: ([\d.]+)", page)[1].replace(".", ""))


@of_one
def test_it_needs_a_reason(theirs, her, kind, raised):
    for reason in ("", " \n", "x" * 2_001):
        sent = extends(theirs, kind, raised, reason)

        assert sent.status_code == 400
        assert 'href="#reason"' in sent.text
    assert not written(her.person, kind)
    assert not extend.due(KINDS[kind], raised).is_extended


class TestAttacker:
    """Twice, too late, after the answer, at once, and who may not."""

    def refused(self, sent):
        assert sent.status_code == 409
        assert "không gia hạn được nữa" in words(sent)

    @of_one
    def test_not_twice(self, theirs, her, kind, raised):
        extends(theirs, kind, raised)

        self.refused(extends(theirs, kind, raised, "Lần nữa"))

        assert "Lần nữa" not in her.client.get(f"/my/{kind}/{raised.id}").text
        assert len(written(her.person, kind)) == 1

    @of_one
    def test_not_after_the_answer(self, theirs, her, kind, raised):
        submit(theirs, page_of(kind, raised), answer="Đã kiểm tra.")
        form = {"csrf_token": form_token(theirs.get("/audit/entries")), "reason": WHY}

        self.refused(theirs.post(f"{page_of(kind, raised)}/extension", data=form))

        assert not written(her.person, kind)

    @of_one
    def test_not_after_its_day(self, app, her, kind, raised):
        """A term that is over was not kept; a reason afterwards heals nothing."""
        last = terms.due(KINDS[kind].rule, raised.raised_at).done_on
        wait = timedelta(days=(last - clock.today()).days + 1)
        with time_machine.travel(clock.now() + wait, tick=True):
            browser = at_the_desk(app, a_security_officer())
            form = {"csrf_token": form_token(browser.get("/audit/entries")), "reason": WHY}

            self.refused(browser.post(f"{page_of(kind, raised)}/extension", data=form))

        assert not written(her.person, kind)

    def test_of_two_at_once_one_counts(self, app, her, kind, raised):
        browsers = [at_the_desk(app, a_security_officer(unit=UNIT)) for _ in range(2)]
        token = [form_token(one.get(page_of(kind, raised))) for one in browsers]
        forms = [{"csrf_token": each, "reason": f"Lý do {n}"} for n, each in enumerate(token)]
        place = f"{page_of(kind, raised)}/extension"

        with ThreadPoolExecutor(2) as pool:
            sent = list(pool.map(lambda b, f: b.post(place, data=f), browsers, forms))

        assert sorted(answer.status_code for answer in sent) == [303, 409]
        assert len(written(her.person, kind)) == 1

    def test_nobody_extends_their_own(self, app, her, kind, raised):
        own = at_the_desk(app, a_security_officer(own_citizen_id=her.person.citizen_id))
        form = {"csrf_token": form_token(own.get("/audit/entries")), "reason": WHY}

        sent = own.post(f"{page_of(kind, raised)}/extension", data=form)

        assert sent.status_code == 403
        assert not written(her.person, kind)

    def test_another_role_is_kept_out(self, app, her, kind, raised):
        for role in set(Role) - {Role.SECURITY_OFFICER}:
            browser = at_the_desk(app, a_security_officer(role=role))
            form = {"csrf_token": form_token(browser.get("/staff")), "reason": WHY}

            sent = browser.post(f"{page_of(kind, raised)}/extension", data=form)

            assert sent.status_code == 403, role
        assert not written(her.person, kind)

    @of_one
    def test_a_citizen_and_a_foreign_page_change_nothing(self, theirs, her, kind, raised):
        place = f"{page_of(kind, raised)}/extension"
        token = form_token(her.client.get("/sign-out"))

        mine = her.client.post(place, data={"csrf_token": token, "reason": WHY})
        forged = theirs.post(place, data={"reason": WHY}, headers={"Sec-Fetch-Site": "cross-site"})

        assert mine.location == "/staff/sign-in"
        assert forged.status_code >= 400
        assert not written(her.person, kind)

    @of_one
    def test_markup_is_text(self, theirs, her, kind, raised):
        extends(theirs, kind, raised, "<script>1</script>{{7*7}}")

        for page in (her.client.get(f"/my/{kind}/{raised.id}"), theirs.get(page_of(kind, raised))):
            assert "<script>1" not in page.text
            assert "{{7*7}}" in page.text
