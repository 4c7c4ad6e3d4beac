"""Journey: a citizen complains of a look and objects to a reuse; an officer answers; it is read."""

import pytest
from playwright.sync_api import Browser

from tests.journeys.cast import BUSINESS
from tests.journeys.country import Country, Person
from tests.journeys.office import ARRIVED, Office, opened
from tests.journeys.walking import WAYS, Walker, Way

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.sqlite,
    pytest.mark.timeout(600),
]
DOUBT = "Hôm đó không nộp hồ sơ nào."
OBJECTION = "Địa chỉ này đã đổi từ lâu."
ANSWERS = ("Cơ quan có hồ sơ thật, số HKD-7.", "Đã đề nghị cập nhật địa chỉ.")


@pytest.mark.parametrize("way", WAYS)
def test_what_a_citizen_asks_is_answered(way: Way, browser: Browser, country: Country) -> None:
    """Both have a number; both answers are on her own pages, and who read them in her list."""
    lan = Walker.on(way, browser, country, country.citizen("Nguyễn Thị Lan"))
    with opened(country, name="Phòng Kinh tế", procedures=[BUSINESS]) as office:
        somebody_fetches(lan, office)
        complaint = she_complains(lan)
        objection = she_objects(lan, office)
    officer = Walker.on(way, browser, country, country.other_officer())
    officer.sign_in_as_staff()
    officer.looks()
    an_officer_answers(officer, "complaints", complaint, ANSWERS[0])
    an_officer_answers(officer, "objections", objection, ANSWERS[1])
    she_reads_both(lan, officer)
    nobody_else_reads_them(lan, browser)


def somebody_fetches(lan: Walker, office: Office) -> None:
    """A look there is, and a decision behind it."""
    office.send(lan.page, {"procedure": BUSINESS, "case": "HKD-7"})
    lan.looks()
    lan.sign_in()
    lan.looks()
    lan.page.click("#consent-allow")
    assert ARRIVED in lan.text()
    assert office.fetch(office.redeem()).status_code == 200


def she_complains(lan: Walker) -> str:
    """From the list of looks; the number."""
    lan.goes("/my")
    lan.follows("nav [href='/my/access']")
    lan.follows("main article [href$='/complaint']")
    lan.fills(text=DOUBT)
    lan.presses("#submit-complaint")
    lan.picture("complaint")
    number = lan.finds("#complaint-number").inner_text()
    lan.steps_back()
    lan.follows("nav [href='/my/consents']")
    lan.follows("main [href='/my/complaints']")
    assert number in lan.text()
    return number


def she_objects(lan: Walker, office: Office) -> str:
    """From the page of the decision, with a reason; the number."""
    lan.follows("nav [href='/my/consents']")
    lan.page.locator("main article a", has_text=office.name).first.click()
    lan.looks()
    lan.follows("#object")
    lan.presses("#submit-objection")
    assert lan.finds("#error a").get_attribute("href") == "#reason"
    lan.fills(reason=OBJECTION)
    lan.presses("#submit-objection")
    number = lan.finds("#objection-number").inner_text()
    lan.steps_back()
    lan.follows("#go-back")
    assert lan.page.locator("#objections li").count() == 1
    return number


def an_officer_answers(officer: Walker, what: str, number: str, answer: str) -> None:
    """From the list of those that wait, once; no name stands there."""
    officer.follows(f"nav [href='/audit/{what}']")
    officer.follows(f"main table [href='/audit/{what}/{number}']")
    assert "Nguyễn Thị Lan" not in officer.text()
    officer.presses("#submit-answer")
    assert officer.finds("#error a").get_attribute("href") == "#answer"
    second = officer.page.context.new_page()
    second.goto(officer.page.url)
    officer.fills(answer=answer)
    officer.presses("#submit-answer")
    assert answer in officer.finds("#answered").inner_text()
    officer.steps_back()
    second.fill("#answer", "Câu khác.")
    second.click("#submit-answer")
    assert second.inner_text("#answered").strip() == answer
    second.close()


def she_reads_both(lan: Walker, officer: Walker) -> None:
    """From her own page; whose unit answered, and that it was read."""
    for kind, answer in zip(("complaints", "objections"), ANSWERS, strict=True):
        lan.follows("nav [href='/my']")
        lan.follows(f"#attention [href^='/my/{kind}/']")
        assert lan.finds("#answer").inner_text().strip() == answer
        assert officer.told["unit"] in lan.text()
    lan.follows("nav [href='/my/access']")
    looks = lan.page.locator("[data-entry]", has_text=officer.told["unit"])
    assert looks.count() >= 4  # two opened, two answered


def nobody_else_reads_them(lan: Walker, browser: Browser) -> None:
    """To another citizen there are none."""
    address = lan.page.url
    lan.follows("nav [href='/my']")
    lan.follows("#attention [href^='/my/complaints/']")
    other = Person.at(browser, lan.country, lan.country.citizen("Nguyễn Thị Lan"))
    other.page.goto(address)
    other.sign_in()
    answer = other.page.goto(lan.page.url)
    assert answer is not None
    assert answer.status == 404
