"""What is not as last time: said on the decision page, bound by its digest, kept in its life."""

import html
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from consent.ledger import answer, records
from consent.ledger.records import State
from consent.procedures import catalogue
from consent.procedures.catalogue import Basis
from identity import clock, database
from tests.deciding import CONSENT, LAW, PROCEDURE, an_asking_service, detail, signed_in, words
from tests.exchange import fill_register, told
from tests.markup import Markup
from tests.people import lan, minh, submit

pytestmark = pytest.mark.usefixtures("app", "catalogues")
MOST = 13
FIRST = ("full_name", "owns_dwelling", "land_certificate_number")


def long_ago():
    """Twenty days before the tests run."""
    return time_machine.travel(clock.now() - timedelta(days=20), tick=True)


@pytest.fixture
def her(client):
    """Lan, whom the register has known for longer than that."""
    with long_ago():
        person = lan()
        fill_register("land", told(person, "owns_dwelling", value=True))
    return signed_in(client, person)


@pytest.fixture
def decided(her, service, app):
    """Then she let the service have three items, of which it found two."""
    with long_ago():
        then = signed_in(app.test_client(), her.person)
        then.is_asked(service, detail(*FIRST, case="H-1")).allow()
    return her.decisions()[0]


def notice(page):
    return Markup(page.text).by_id("difference-0").words


def row_of(page, label):
    (row,) = [one for one in Markup(page.text).all("tr") if label in one.words]
    return row.words


def test_the_first_time_there_is_nothing_to_compare(her, service):
    page = her.is_asked(service, detail(*FIRST)).get()

    assert "difference-" not in page.text
    assert "Mới hỏi thêm" not in page.text


def test_asked_the_same_again_it_says_that_nothing_differs(her, service, decided):
    page = her.is_asked(service, detail(*FIRST, case="H-2")).get()

    day = decided.from_at.astimezone(clock.VIETNAM).strftime("%d/%m/%Y")
    assert notice(page) == f"Không có gì khác lần cho dùng ngày {day}."


def test_more_and_fewer_items_are_named(her, service, decided):
    asked = detail("full_name", "owns_dwelling", "land_parcel_address", "contact_phone", case="H-2")
    page = her.is_asked(service, asked).get()

    said = notice(page)
    assert "Thêm: Địa chỉ thửa đất; Số điện thoại liên hệ." in said
    assert "Bớt: Số Giấy chứng nhận quyền sử dụng đất." in said
    assert "Mới hỏi thêm" in row_of(page, "Địa chỉ thửa đất")
    assert "Mới hỏi thêm" not in row_of(page, "Có nhà ở")
    assert " checked" not in page.text
    assert words(page).count("Mới hỏi thêm") == 2
    assert decided.attributes == list(FIRST)


def test_another_value_is_marked_and_the_earlier_one_stands_beside_it(her, service, decided):
    fill_register("land", told(her.person, "owns_dwelling", value=False))
    fill_register("land", told(her.person, "land_certificate_number", "DĐ 7"))

    page = her.is_asked(service, detail(*FIRST, case="H-2")).get()

    assert decided
    said = notice(page)
    assert "Nội dung đã đổi: Có nhà ở thuộc sở hữu của mình." in said
    assert "Nay đã có dữ liệu: Số Giấy chứng nhận quyền sử dụng đất." in said
    assert "Trước đây: Có" in row_of(page, "Có nhà ở")
    assert "Trước đây" not in row_of(page, "Số Giấy chứng nhận")


def test_the_same_value_told_anew_is_no_difference(her, service, decided):
    """A register that looks again, and finds the same, has another day and no news."""
    fill_register("land", told(her.person, "owns_dwelling", value=True))

    page = her.is_asked(service, detail(*FIRST, case="H-2")).get()

    assert decided
    assert "Không có gì khác" in notice(page)


def test_the_same_value_from_another_source_is_one(her, service, decided):
    phone = "+84999000031"
    her.is_asked(service, detail("full_name", "contact_phone")).allow(contact_phone=phone)
    fill_register("population", told(her.person, "contact_phone", phone))

    page = her.is_asked(service, detail("full_name", "contact_phone", case="H-3")).get()

    assert decided
    assert "Nguồn đã đổi: Số điện thoại liên hệ." in notice(page)
    assert "Khác lần trước Trước đây: " in row_of(page, "Số điện thoại")


def test_a_corrected_name_is_another_value_and_a_covered_one_is_not_said(her, service, app):
    with long_ago():
        then = signed_in(app.test_client(), her.person)
        fill_register("population", told(her.person, "ethnicity", "01"))
        asked = detail("full_name", "ethnicity", procedure="1.001193", case="H-1")
        assert then.is_asked(service, asked).allow().status_code == 303
    lan(national_id=her.person.national_id, full_name="Nguyễn Thị Ngọc Lan")
    fill_register("population", told(her.person, "ethnicity", "02"))

    page = her.is_asked(service, asked | {"case": "H-2"}).get()

    assert "Nội dung đã đổi: Họ, chữ đệm và tên; Dân tộc." in notice(page)
    assert "Trước đây: Nguyễn Thị Lan" in row_of(page, "Họ, chữ đệm")
    assert "Khác lần trước" in row_of(page, "Dân tộc")
    assert "Trước đây" not in row_of(page, "Dân tộc")


def test_other_words_and_a_longer_time_are_said(her, service, decided, monkeypatch):
    """Another version of the procedure: purpose, articles, retention, and how long it holds."""
    now = catalogue.procedure(PROCEDURE)
    new = replace(
        now,
        version=now.version + 1,
        purpose_vi="Để làm một việc khác.",
        retention="P7Y",
        legal_basis=("Luật Cư trú 68/2020/QH14, Điều 30",),
    )
    monkeypatch.setattr(catalogue, "procedures", lambda: {PROCEDURE: new})
    monkeypatch.setitem(answer.LIFETIME, Basis.REQUEST, timedelta(days=90))
    monkeypatch.setattr(answer, "TEXT_VERSION", "2")

    said = notice(her.is_asked(service, detail(*FIRST, case="H-2")).get())

    assert decided
    for sentence in (
        f"Mục đích trước đây ghi: {now.purpose_vi}",
        "Điều luật làm căn cứ đã đổi.",
        "Được lấy lâu hơn: 90 ngày, trước đây 30 ngày.",
        "Cơ quan nhận giữ 7 năm, trước đây 1 năm.",
        "Lời văn của trang đã viết lại.",
    ):
        assert sentence in said
    assert "công bố lại" not in said


def test_another_ground_is_said_first(her, service, decided, monkeypatch):
    now = catalogue.procedure(PROCEDURE)
    new = replace(now, version=now.version + 1, basis=Basis.LAW)
    monkeypatch.setattr(catalogue, "procedures", lambda: {PROCEDURE: new})

    page = Markup(her.is_asked(service, detail(*FIRST, case="H-2")).get().text)

    assert decided
    assert [line.words for line in page.within(page.by_id("difference-0"), "li")] == [
        "Căn cứ đổi từ theo yêu cầu sang theo luật.",
        "Thủ tục được công bố lại; mục đích, điều luật và thời hạn giữ như cũ.",
    ]


def test_what_was_refused_or_withdrawn_does_not_hide_what_was_allowed(her, service, decided):
    """Compared is with the last yes, whatever came after it."""
    her.is_asked(service, detail(*FIRST, case="H-9")).deny()
    submit(her.client, f"/my/consents/{decided.decision_id}/withdraw")

    page = her.is_asked(service, detail(*FIRST, case="H-2")).get()

    assert "Không có gì khác lần cho dùng" in notice(page)


def test_each_section_has_its_own(her, service, decided):
    page = her.is_asked(
        service, detail(*FIRST, case="H-2"), detail("full_name", procedure=CONSENT, case=None)
    ).get()

    assert decided
    assert "difference-0" in page.text
    assert "difference-1" not in page.text


def test_a_notice_by_law_was_told_and_never_allowed(her, service):
    """Law §3: nothing that rests on the law is called a permission."""
    her.is_asked(service, detail("full_name", procedure=LAW, case="H-1")).allow()

    same = her.is_asked(service, detail("full_name", procedure=LAW, case="H-2")).get()
    more = her.is_asked(service, detail("full_name", "ethnicity", procedure=LAW)).get()

    assert notice(same).startswith("Không có gì khác lần thông báo ngày ")
    assert notice(more).startswith("Khác lần thông báo ngày ")


def test_it_costs_a_few_statements_however_often_it_was_decided(her, service):
    """The page, and the life of a decision between two others."""
    for names in (FIRST[:1], FIRST[:2], FIRST):
        her.is_asked(service, detail(*names)).allow()
    asked = her.is_asked(service, detail(*FIRST, "land_parcel_address"))
    middle = her.decisions()[1]

    for path in (asked.path, f"/my/consents/{middle.decision_id}"):
        her.client.get(path)
        with database.counted() as tally:
            assert her.client.get(path).status_code == 200
        assert tally.round_trips <= MOST, path
    assert "replaced" in her.client.get(path).text
    assert "unlike" in her.client.get(path).text


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_text_as_seen_has_it_too_and_no_value(her, service, decided, language):
    fill_register("land", told(her.person, "owns_dwelling", value=False))
    her.client.set_cookie("motlan-language", language)
    her.is_asked(service, detail("full_name", "owns_dwelling", case="H-2")).allow()

    newest = her.decisions()[0]
    text = html.unescape(records.text(newest.text_hash))

    assert newest.decision_id != decided.decision_id
    assert {"vi": "Bớt: Số Giấy", "en": "Dropped: Land-use right"}[language] in text
    assert not [word for word in ("Nội dung đã đổi", "Trước đây:", "Before:") if word in text]


def test_what_changed_meanwhile_has_to_be_read_first(her, service, decided):
    """Invariant 10: the digest covers the difference; a decision in another window is one."""
    asked = her.is_asked(service, detail("full_name", "owns_dwelling", case="H-2"))
    seen = asked.get()
    her.is_asked(service, detail("full_name", case="H-3")).allow()

    again = asked.allow(seen=seen)

    assert again.status_code == 409
    assert "Thêm: Có nhà ở thuộc sở hữu của mình." in notice(again)
    assert {row.case for row in her.decisions()} == {"H-1", "H-3"}
    assert decided.case == "H-1"
    assert asked.allow().status_code == 303


@pytest.mark.usefixtures("decided")
def test_the_life_of_a_replaced_decision_says_what_the_new_one_changed(her, service):
    """Both ways: from the old one to the new one, and back; another case is another matter."""
    fill_register("land", told(her.person, "owns_dwelling", value=False))
    her.is_asked(service, detail(*FIRST)).allow()
    fill_register("land", told(her.person, "owns_dwelling", value=True))
    asked = her.is_asked(service, detail("full_name", "owns_dwelling", "contact_phone"))
    assert asked.allow(contact_phone="0999 000 032").status_code == 303
    new, old, _first = her.decisions()
    assert (new.state, old.state) == (State.GIVEN, State.SUPERSEDED)

    of_old = Markup(her.client.get(f"/my/consents/{old.decision_id}").text)
    of_new = Markup(her.client.get(f"/my/consents/{new.decision_id}").text)

    told_there = of_old.by_id("replaced")
    for sentence in (
        "Thêm: Số điện thoại liên hệ.",
        "Bớt: Số Giấy chứng nhận quyền sử dụng đất.",
        "Nội dung đã đổi: Có nhà ở thuộc sở hữu của mình.",
    ):
        assert sentence in told_there.words
        assert sentence in of_new.by_id("unlike").words
    assert not [one for one in of_old.elements if one.attributes.get("id") == "unlike"]
    (link,) = of_old.within(told_there, "a")
    assert link["href"] == f"/my/consents/{new.decision_id}"
    (back,) = of_new.within(of_new.by_id("unlike"), "a")
    assert back["href"] == f"/my/consents/{old.decision_id}"


class TestAttacker:
    def test_what_another_decided_is_compared_with_nothing(self, service, decided, app):
        him = signed_in(app.test_client(), minh())

        page = him.is_asked(service, detail(*FIRST, case="H-2")).get()

        assert decided
        assert "difference-" not in page.text

    def test_what_another_service_was_allowed_is_not_told_to_this_ones_page(self, her, decided):
        page = her.is_asked(an_asking_service(), detail(*FIRST, case="H-2")).get()

        assert decided
        assert "difference-" not in page.text
