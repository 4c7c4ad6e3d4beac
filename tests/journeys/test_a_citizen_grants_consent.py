"""Journey 2: a citizen decides: consent purpose by purpose, a notice by law, and an objection."""

import pytest
from playwright.sync_api import Browser

from tests.journeys.country import Country, Person
from tests.journeys.office import ARRIVED, Office, opened

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
HOUSING, INSURANCE = "1.115150", "1.002759"
EVERYTHING = "Đặng Ngọc Huyền"  # every register knows her
ANSWER = "Cơ quan đã cập nhật theo thông tin mới."


def test_huyen_decides_about_each_purpose(browser: Browser, country: Country) -> None:
    """Nothing is ticked for her, both buttons weigh the same, and her choice is what happens."""
    huyen = Person.at(browser, country, country.citizen(EVERYTHING))
    with opened(country, name="Công ty Nhà Xanh", procedures=[HOUSING, INSURANCE]) as office:
        she_does_not_agree(huyen, office)
        she_agrees_to_one_purpose_of_two(huyen, office)
        going_back_or_pressing_twice_changes_nothing(huyen, office)
        number = the_law_asks_nobody_but_she_objects(huyen, office)
        her_receipts_say_all_of_it(huyen, office)
    an_officer_answers_the_objection(browser, huyen, number)
    she_reads_the_answer(huyen, number)


def ask(huyen: Person, office: Office, **more: str) -> None:
    """The office wants to know about her housing."""
    office.send(huyen.page, {"procedure": HOUSING, "case": "NO-2026-17"}, **more)


def she_does_not_agree(huyen: Person, office: Office) -> None:
    """*Không đồng ý* costs no more than *Đồng ý*; the office learns only that."""
    page = huyen.page
    ask(huyen, office)
    huyen.sign_in()
    huyen.picture("decision-consent")
    assert page.locator("main input:checked").count() == 0
    agree, refuse = page.locator("#consent-allow"), page.locator("#consent-deny")
    assert (agree.inner_text(), refuse.inner_text()) == ("Đồng ý", "Không đồng ý")
    refuse.click()
    assert ARRIVED in huyen.text()
    assert office.answer()["error"] == "access_denied"
    assert "code" not in office.answer()


def she_agrees_to_one_purpose_of_two(huyen: Person, office: Office) -> None:
    """Without a tick there is nothing to agree to; with one, only that one is given."""
    page = huyen.page
    ask(huyen, office, scope="openid phone")
    page.click("#consent-allow")
    huyen.picture("decision-no-purpose")
    assert "ít nhất một mục đích" in page.inner_text("#error")
    page.locator(f'input[name="purpose"][value^="{HOUSING}"]').check()
    page.click("#consent-allow")
    assert ARRIVED in huyen.text()
    tokens = office.redeem()
    granted = [one["procedure"] for one in tokens["authorization_details"]]
    assert granted == [HOUSING]
    assert "phone" not in tokens.get("scope", "").split()
    told = office.fetch(tokens).json()
    assert told["basis"] == "consent"
    assert told["values"]["full_name"]["value"] == EVERYTHING


def going_back_or_pressing_twice_changes_nothing(huyen: Person, office: Office) -> None:
    """The page she went back to says so; two tabs of one request are decided once."""
    page = huyen.page
    ask(huyen, office, scope="openid phone", prompt="consent")
    second = page.context.new_page()
    second.goto(page.url)
    page.click("#consent-deny")
    assert ARRIVED in huyen.text()
    said = office.answer()
    second.click("#consent-allow")
    assert "Yêu cầu này đã xong" in second.inner_text("#error")
    second.close()
    page.go_back()
    huyen.picture("went-back")
    assert page.locator("#consent-allow").count() == 0
    assert "Yêu cầu này đã xong" in huyen.text()
    assert office.answer() == said


def the_law_asks_nobody_but_she_objects(huyen: Person, office: Office) -> str:
    """A notice with its articles, no fake choice, and a numbered objection; the number."""
    page = huyen.page
    office.send(page, {"procedure": INSURANCE, "case": "BH-88"})
    huyen.picture("decision-law")
    assert page.locator("#consent-allow, #consent-deny").count() == 0
    assert "Điều 18" in huyen.text()
    page.click("#object")
    page.click("#submit-objection")
    assert page.locator("#error").count() == 1
    page.fill("#reason", "Tôi đã sửa thông tin này tuần trước.")
    huyen.picture("objection")
    page.click("#submit-objection")
    huyen.picture("objected")
    number = page.inner_text("#objection-number")
    assert "Đang chờ trả lời" in huyen.text()
    page.click("#go-back")
    page.click("#notice-continue")
    assert ARRIVED in huyen.text()
    assert office.fetch(office.redeem()).json()["basis"] == "law"
    return number


def her_receipts_say_all_of_it(huyen: Person, office: Office) -> None:
    """What she decided, in the words she saw, with the promise of the log."""
    page = huyen.page
    huyen.open("/my/consents")
    huyen.picture("consents-three-bases")
    assert office.name in huyen.text()
    page.locator("article", has_text="Theo đồng ý").locator("a", has_text=office.name).first.click()
    huyen.picture("receipt")
    assert page.locator("#withdraw").count() == 1
    assert "Biên nhận" in huyen.text()
    huyen.open("/my/consents")
    page.locator("article", has_text="Theo luật").locator("a", has_text=office.name).first.click()
    huyen.picture("receipt-law")
    assert page.locator("#withdraw").count() == 0
    assert page.locator("#object").count() == 1
    assert "không phải quyết định của người dân" in huyen.text()
    assert "Điều 18" in page.inner_text("#by-law")
    huyen.open("/my/access")
    huyen.picture("access-three-bases")
    notice = page.locator("[data-entry]", has_text="Đọc thông báo lấy dữ liệu theo luật").first
    assert "Điều 18" in notice.inner_text()
    assert "Quyết định cho dùng dữ liệu" not in notice.inner_text()


def an_officer_answers_the_objection(browser: Browser, huyen: Person, number: str) -> None:
    """By its number; who wrote it is a tag; it can be answered once."""
    officer = Person.at(browser, huyen.country, huyen.country.officer())
    officer.sign_in_as_staff()
    officer.picture("audit-objections")
    assert EVERYTHING not in officer.text()
    officer.page.click(f"#objections >> text={number}")
    officer.picture("audit-objection")
    assert "Tôi đã sửa thông tin này tuần trước." in officer.text()
    assert EVERYTHING not in officer.text()
    officer.page.click("#submit-answer")
    assert "Viết câu trả lời" in officer.page.inner_text("#error")
    officer.page.fill("#answer", ANSWER)
    officer.page.click("#submit-answer")
    officer.picture("audit-answered")
    assert ANSWER in officer.page.inner_text("#answered")
    assert officer.page.locator("#submit-answer").count() == 0


def she_reads_the_answer(huyen: Person, number: str) -> None:
    """From her page, and who opened it stands in her list."""
    page = huyen.page
    huyen.open("/my")
    huyen.picture("my-answered")
    page.click(f"main >> text={number}")
    huyen.picture("objection-answered")
    assert page.inner_text("#answer") == ANSWER
    assert huyen.country.officer()["unit"] in huyen.text()
    huyen.open("/my/access")
    said = page.locator("[data-entry]", has_text=number).all_inner_texts()
    assert any("Trả lời phản đối" in one for one in said)
    assert any("cán bộ giám sát truy cập" in one for one in said)
