"""The citizen's own pages: what needs attention, one's data, decisions, receipts (issue 3, §4)."""

import re
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import update

from consent.attributes.records import AttributeHead
from consent.ledger import withdraw
from consent.my import consents as listed
from identity import clock, database, trail
from identity.database import transaction
from identity.entry import Who
from tests.complaining import a_look, complains
from tests.deciding import CONSENT, LAW, an_asking_service, detail, signed_in, words
from tests.exchange import entries, fill_register, told
from tests.markup import Markup
from tests.objecting import objects
from tests.people import a_security_officer, minh, submit
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app", "catalogues")
CALM = "Không có gì cần làm"
PHONE = "+84999000021"


@pytest.fixture
def service():
    return an_asking_service(grant_types=["authorization_code", "refresh_token"])


def decided(her, service, *names, **more):
    """A decision of hers, its page at the request, and a token that the service holds."""
    page = her.is_asked(service, detail(*(names or ("full_name",)), **more))
    page.allow()
    return her.decisions()[0], page.redeem(service)["access_token"]


def fetch(her, token):
    answer = her.client.post(
        "/api/attributes", json={}, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 200, answer.json
    return answer.json


def consented(her, service):
    """A decision of the kind that holds for a year."""
    page = her.is_asked(service, detail("full_name", procedure=CONSENT, case=None))
    (purpose,) = Markup(page.get().text).all("input", name="purpose")
    page.allow(purpose=purpose["value"])
    return her.decisions()[0]


class TestHome:
    def test_nothing_is_a_calm_page(self, her):
        page = her.client.get("/my")

        assert CALM in words(page)
        assert 'id="calm"' in page.text
        for path in ("/my/data", "/my/consents", "/my/access", "/my/complaints"):
            assert f'href="{path}"' in page.text

    def test_a_consent_that_ends_within_a_month_is_told_and_a_fresh_request_is_not(
        self, her, service
    ):
        decided(her, service)
        assert 'id="attention"' not in her.client.get("/my").text
        row = consented(her, service)

        with time_machine.travel(clock.now() + timedelta(days=340), tick=True):
            signed_in(her.client, her.person)
            page = her.client.get("/my")

        assert "sắp hết hạn" in words(page)
        assert f'href="/my/consents/{row.decision_id}"' in page.text

    def test_values_that_two_sources_tell_differently_are_told(self, her):
        fill_register("population", told(her.person, "contact_phone", PHONE))
        of_hers = AttributeHead.citizen_id == her.person.citizen_id
        with transaction():
            database.write(update(AttributeHead).where(of_hers).values(is_disputed=True))

        page = her.client.get("/my")

        assert 'id="disputed"' in page.text
        assert CALM not in words(page)
        assert "Các nguồn chưa khớp" in words(her.client.get("/my/data"))

    def test_what_was_asked_for_and_is_nowhere_is_told_until_it_is_there(self, her):
        a_look(her.person, a_service(), without=["contact_phone"])
        assert 'id="missing-values"' in her.client.get("/my").text

        fill_register("population", told(her.person, "contact_phone", PHONE))

        assert 'id="missing-values"' not in her.client.get("/my").text

    @pytest.mark.parametrize(
        ("kind", "subject"),
        [
            ("attributes:released", {"basis": "law"}),
            ("attributes:refused", {"result": "refused", "reason": "not_decided"}),
            ("staff:looked", {"result": "shown", "case": "VV-1"}),
        ],
    )
    def test_a_look_that_nobody_expects_is_told_for_two_weeks(self, her, kind, subject):
        officer = a_security_officer()
        written = trail.record(kind, Who(her.person.citizen_id, officer.id), subject=subject)

        now = her.client.get("/my")
        with time_machine.travel(clock.now() + timedelta(days=15), tick=True):
            signed_in(her.client, her.person)
            later = her.client.get("/my")

        assert f'data-entry="{written.id}"' in now.text
        assert f'data-entry="{written.id}"' not in later.text

    def test_a_refused_sign_in_is_a_notice_and_ones_own_is_none(self, her):
        assert 'id="security-notices"' not in her.client.get("/my").text

        trail.record(
            "sign_in:refused", Who(citizen=her.person.citizen_id), subject={"reason": "password"}
        )

        assert 'id="security-notices"' in her.client.get("/my").text

    def test_the_receipt_of_a_decision_is_there_when_one_comes_back(self, her, service):
        row, _ = decided(her, service)

        page = her.client.get("/my")

        (link,) = re.findall(r'href="(/my/receipts/[^"]+)"', page.text)
        assert f"/my/consents/{row.decision_id}" in her.client.get(link).text


class TestData:
    def test_a_value_stands_with_its_register_day_state_and_uses(self, her, service):
        _, token = decided(her, service)
        fetch(her, token)
        fetch(her, token)

        page = Markup(her.client.get("/my/data").text)

        (section,) = page.all("section", id="register-population")
        row = page.by_id("value-full_name")
        assert row in page.within(section, "tr")
        assert "Nguyễn Thị Lan" in row.words
        assert "Còn mới" in row.words
        assert "2 lần: Cơ quan thuế" in row.words
        (link,) = page.within(row, "a")
        assert link["href"] == "/my/access?attribute=full_name"
        shown = her.client.get(link["href"])
        assert len(re.findall('data-entry="', shown.text)) == 2

    def test_a_register_s_values_stand_in_the_order_of_their_words(self, her):
        """By the dictionary: the names that machines know are no order for a reader."""
        fill_register("population", told(her.person, "contact_phone", PHONE))

        page = Markup(her.client.get("/my/data").text)

        (section,) = page.all("section", id="register-population")
        labels = [one.words for one in page.within(section, "th") if one["scope"] == "row"]
        assert labels == [
            "Giới tính",
            "Họ, chữ đệm và tên",
            "Ngày, tháng, năm sinh",
            "Số điện thoại liên hệ",
            "Số định danh cá nhân",
        ]

    def test_of_many_that_used_it_three_are_named(self, her):
        for n in range(5):
            told = {"name": f"Cơ quan {n}", "code": f"H{n}.1", "level": "province"}
            office = a_service(organisation=told | {"block": "government"})
            a_look(her.person, office, attributes=["full_name"])

        row = Markup(her.client.get("/my/data").text).by_id("value-full_name")

        assert "5 lần: Cơ quan 0; Cơ quan 1; Cơ quan 2 và 2 cơ quan khác" in row.words

    def test_what_nobody_used_says_so_and_leads_nowhere(self, her):
        page = Markup(her.client.get("/my/data").text)

        row = page.by_id("value-date_of_birth")
        assert "Chưa lần nào" in row.words
        assert not page.within(row, "a")

    def test_the_number_and_what_is_sensitive_are_folded(self, her):
        page = Markup(her.client.get("/my/data").text)

        row = page.by_id("value-personal_number")
        (summary,) = page.within(row, "summary")
        assert her.person.national_id not in summary.words
        assert her.person.national_id in row.words

    def test_an_old_value_is_said_to_be_old(self, her):
        old = told(her.person, "contact_phone", PHONE, as_of="2015-01-01")
        fill_register("population", old)

        row = Markup(her.client.get("/my/data").text).by_id("value-contact_phone")

        assert "Có thể đã cũ" in row.words
        assert "01/01/2015" in row.words


class TestConsents:
    def test_withdrawn_in_three_taps_from_ones_page(self, her, service):
        """Reference consent-and-pages §4: list 1, withdrawal 2, withdrawn 3."""
        row, _ = decided(her, service)
        home = Markup(her.client.get("/my").text)
        (first, *_) = home.all("a", href="/my/consents")
        second = Markup(her.client.get(first["href"]).text)
        (tap,) = [a for a in second.all("a") if a["href"].endswith("/withdraw")]

        done = submit(her.client, tap["href"])

        assert done.location == f"/my/consents/{row.decision_id}"
        page = her.client.get(done.location)
        assert 'id="withdrawn"' in page.text
        (receipt, *_) = re.findall(r'href="(/my/receipts/[^"]+)"', page.text)
        assert "Đã rút lại" in words(her.client.get(receipt))

    def test_the_list_says_how_often_and_when_last(self, her, service):
        _, token = decided(her, service)
        assert "Chưa lần nào" in words(her.client.get("/my/consents"))

        fetch(her, token)

        said = words(her.client.get("/my/consents"))
        assert "1 lần" in said
        assert "Lần cuối" in said

    def test_what_ends_soon_stands_apart(self, her, service):
        row = consented(her, service)

        with time_machine.travel(clock.now() + timedelta(days=340), tick=True):
            signed_in(her.client, her.person)
            page = Markup(her.client.get("/my/consents").text)

        (card,) = page.within(page.by_id("ending"), "article")
        assert card["data-decision"] == str(row.decision_id)
        assert not page.within(page.by_id("active"), "article")

    def test_what_has_ended_says_since_when(self, her, service):
        row, _ = decided(her, service)
        with time_machine.travel(clock.now() + timedelta(days=31), tick=True):
            signed_in(her.client, her.person)
            page = Markup(her.client.get("/my/consents").text)

        (card,) = page.within(page.by_id("ended"), "article")
        until = row.until.astimezone(clock.VIETNAM)
        assert "Hết hạn" in card.words
        assert "Kết thúc lúc" in card.words
        assert f"{until:%H:%M} ngày {until:%d/%m/%Y}" in card.words

    def test_what_has_ended_comes_in_pages(self, her, service, monkeypatch):
        monkeypatch.setattr(listed, "PAGE", 2)
        for n in range(5):
            her.is_asked(service, detail("full_name", case=f"H-{n}")).deny()

        seen, path = [], "/my/consents"
        while path:
            page = Markup(her.client.get(path).text)
            seen += [card["data-decision"] for card in page.within(page.by_id("ended"), "article")]
            path = next((a["href"].partition("#")[0] for a in page.all("a", rel="next")), None)

        assert seen == [str(row.decision_id) for row in her.decisions()]
        assert len(seen) == 5

    def test_the_life_of_one_has_each_use_with_its_entry(self, her, service):
        row, token = decided(her, service)
        fetch(her, token)
        withdraw.withdraw(row.decision_id, by=her.session)

        page = Markup(her.client.get(f"/my/consents/{row.decision_id}").text)

        said = [item.words for item in page.within(page.by_id("life"), "li")]
        assert ["Đã rút lại" in one for one in said] == [True, False, False]
        assert "Lấy dữ liệu" in said[1]
        assert "Đã cho dùng" in said[2]
        (use,) = [e for e in entries(her.person.citizen_id) if e.type == "attributes:released"]
        shown = page.within(page.by_id("life"), "li")
        assert [item.attributes.get("data-entry") for item in shown] == [None, str(use.id), None]
        assert page.by_id("text-as-seen").words

    def test_a_use_of_another_decision_is_not_in_it(self, her, service):
        row, _ = decided(her, service)
        _, token = decided(her, service, case="H-2")
        fetch(her, token)

        page = her.client.get(f"/my/consents/{row.decision_id}")

        assert 'data-entry="' not in page.text


class TestReceipt:
    def test_it_says_everything_a_person_needs_at_a_counter(self, her, service):
        """Law §3: number, time, recipient, items, until, how to withdraw, entry."""
        row, _ = decided(her, service)
        page = her.client.get(f"/my/consents/{row.decision_id}")
        (path,) = set(re.findall(r'href="(/my/receipts/[^"]+)"', page.text))

        receipt = Markup(her.client.get(path).text)

        given = entries(her.person.citizen_id)[-1]
        assert receipt.by_id("receipt-number").words == path.rpartition("/")[2]
        assert str(given.id) in receipt.by_id("receipt-entry").words
        assert f"/my/consents/{row.decision_id}" in receipt.by_id("how-to-withdraw").words
        assert receipt.by_id("promise").words.count(".") == 2
        (article,) = receipt.all("article", **{"class": "receipt"})
        for fact in ("Cơ quan thuế", "Cơ quan nhận", "Đến lúc", "Họ"):
            assert fact in article.words

    def test_one_about_the_law_tells_of_objecting(self, her, service):
        decided(her, service, procedure=LAW)
        (path,) = re.findall(r'href="(/my/receipts/[^"]+)"', her.client.get("/my").text)

        said = Markup(her.client.get(path).text).by_id("how-to-withdraw").words

        assert "phản đối" in said


class TestAttacker:
    """Nobody sees a row of another on any of these pages, whatever the address says."""

    @pytest.fixture
    def him(self, app):
        return signed_in(app.test_client(), minh())

    def test_no_page_shows_anything_of_another(self, her, him, service):
        row, token = decided(her, service)
        fetch(her, token)
        look = entries(her.person.citizen_id)[-1]
        objection = objects(her, service)
        complaint = complains(her, look)
        number = re.search(r"/my/receipts/([^\"]+)", her.client.get("/my").text)[1]
        hers = (row.decision_id, objection.number, complaint.number, number, her.person.full_name)
        asked = f"?citizen={her.person.citizen_id}&decision={row.decision_id}&before={look.id + 1}"

        for path in ("/my", "/my/data", "/my/consents", "/my/access", "/my/complaints"):
            page = him.client.get(path + asked)
            assert page.status_code == 200
            assert f'data-entry="{look.id}"' not in page.text
            # The address comes back in the language link and the filter, as its sender wrote it.
            shown = re.sub(r'(back=|value="|/my/consents/)[^"]*"', "", page.text)
            assert not [one for one in hers if str(one) in shown], path
        assert him.client.get(f"/my/receipts/{number}").status_code == 404
        assert her.client.get(f"/my/receipts/{number}").status_code == 200

    def test_a_guessed_receipt_is_none(self, her):
        for number in ("ML-2026-AAAAAAAAAA", "x", "%27", "ML-2026-ẶẶ"):
            page = her.client.get(f"/my/receipts/{number}")

            assert page.status_code == 404, number
            assert "Không có biên nhận này" in words(page)

    def test_who_is_not_signed_in_is_sent_to_sign_in(self, client):
        for path in ("/my/data", "/my/receipts/x", "/my/complaints", "/my/access/1/complaint"):
            answer = client.get(path)

            assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/sign-in")

    def test_reading_leaves_no_entry(self, her):
        """Design §2: a citizen looking at their own data is not an entry."""
        before = len(entries(her.person.citizen_id))

        for path in ("/my", "/my/data", "/my/consents", "/my/complaints"):
            her.client.get(path)

        assert len(entries(her.person.citizen_id)) == before
