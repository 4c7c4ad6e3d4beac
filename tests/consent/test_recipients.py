"""Each recipient of a withdrawal has a clock of its own: Decree 356/2025/NĐ-CP Art. 5.2."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine

from consent.clocks import terms
from consent.clocks.terms import Span
from consent.ledger.withdraw import KIND
from consent.recipients import review
from identity import clock, outbox, presentation
from identity.database import transaction
from identity.entry import NOBODY
from identity.outbox import Waiting
from identity.public_services import registered
from identity.staff.roles import Role
from tests.deciding import an_asking_service, detail, words
from tests.desks import at_the_desk
from tests.exchange import entries
from tests.people import a_security_officer, submit
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app", "catalogues")
ADDRESS = "https://khai-thac.example.vn/su-kien"


@pytest.fixture
def recipient():
    """One of its own, under a name that nobody else has."""
    name = {"client_name#vi": f"Hệ thống {uuid4().hex[:8]}"}
    return registered.find(a_service(**name).client_id)


def is_told(recipient, target=ADDRESS):
    with transaction():
        return outbox.put(KIND, recipient.id, reference=uuid4().hex, target=target, body={})


def acknowledges(message_id, recipient):
    outbox.delivered(Waiting(message_id, KIND, recipient.id, ADDRESS, {}, 1))


def row_of(browser, recipient):
    """The recipient's line on the page; null: it owes nothing."""
    text = browser.get("/audit/recipients").text
    rows = re.findall(r"<tr>.*?</tr>", text, re.DOTALL)
    found = [row for row in rows if recipient.name("vi") in row]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0])) if found else None


def test_the_clock_runs_from_the_message_for_twenty_days(theirs, recipient):
    is_told(recipient)
    last = terms.due("object", clock.now(), span=Span.THROUGH_OTHERS).done_on

    told = row_of(theirs, recipient)

    assert f"hết ngày {presentation.day(last)}" in told
    assert "Điều 5.2" in told
    assert "Đang gửi lại: 1." in told
    assert "Quá hạn" not in told


def test_the_person_reads_the_recipients_own_day(her):
    """Beside the word that it was told."""
    her.is_asked(an_asking_service(), detail("full_name")).allow()
    (row,) = her.decisions()
    page = f"/my/consents/{row.decision_id}"

    submit(her.client, f"{page}/withdraw")

    last = presentation.day(review.due(clock.now()).done_on)
    told = words(her.client.get(page))
    assert f"Hạn để cơ quan nhận thực hiện xong: hết ngày {last}" in told
    assert "Điều 5.2" in told


def test_it_stops_when_the_recipient_acknowledges(theirs, recipient):
    first, second = is_told(recipient), is_told(recipient)

    acknowledges(first, recipient)
    assert "Đang gửi lại: 1." in row_of(theirs, recipient)
    acknowledges(second, recipient)

    assert row_of(theirs, recipient) is None


def test_who_told_no_address_is_told_apart(theirs, recipient):
    is_told(recipient, target=None)
    is_told(recipient)

    told = row_of(theirs, recipient)

    assert "Chưa có nơi nhận: 1." in told
    assert "Đang gửi lại: 1." in told


def test_after_its_day_it_is_late_and_the_desk_counts_it(app, recipient):
    is_told(recipient)
    last = review.due(clock.now()).done_on
    for days, is_late in ((0, False), (1, True)):
        wait = timedelta(days=(last - clock.today()).days + days)
        with time_machine.travel(clock.now() + wait, tick=True):
            browser = at_the_desk(app, a_security_officer())

            assert ("Quá hạn: 1" in row_of(browser, recipient)) is is_late
            assert 'href="/audit/recipients"' in browser.get("/audit").text


def test_the_look_is_an_entry(theirs, officer):
    theirs.get("/audit/recipients")

    looks = [each for each in entries(NOBODY) if each.acting.get("actor") == officer.id.hex]
    assert [each.subject.get("list") for each in looks if each.type == "staff:looked"] == [
        "recipients"
    ]


class TestAttacker:
    def test_another_role_is_kept_out(self, app):
        for role in set(Role) - {Role.SECURITY_OFFICER}:
            browser = at_the_desk(app, a_security_officer(role=role))

            assert browser.get("/audit/recipients").status_code == 403, role

    def test_a_citizen_is_no_officer(self, her):
        assert her.client.get("/audit/recipients").location == "/staff/sign-in"
