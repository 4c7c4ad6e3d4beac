"""Every page by axe-core, and by its width: on a phone and a desktop, light and dark, vi and en."""

from dataclasses import dataclass, field

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.journeys.country import DESKTOP, PHONE, Country, Person
from tests.journeys.office import Office, opened

# A page is the same on either database, so it is examined on one.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.sqlite,
    pytest.mark.timeout(600),
]
HOUSING, INSURANCE, BUSINESS = "1.115150", "1.002759", "1.001612"
LOOKS = {"vi-VN": ((PHONE, "light"), (DESKTOP, "dark")), "en-GB": ((PHONE, "dark"),)}
WIDTH = "document.scrollingElement.scrollWidth"
SMALLEST_TARGET = 24  # WCAG 2.2 §2.5.8, in CSS pixels
# Buttons, fields and links of their own line; a link within a sentence is exempt.
SMALL_TARGETS = """(least) => [...document.querySelectorAll(
  `button, input:not([type=hidden]), select, textarea, summary, a.button, nav a`
)].filter(e => { const b = e.getBoundingClientRect();
  return b.width && (b.width < least || b.height < least); }).map(e => e.outerHTML.slice(0, 80))"""


@dataclass
class Examiner:
    """Looks at each page that a person meets, and keeps what is wrong with it."""

    person: Person
    language: str
    faults: list[str] = field(default_factory=list)
    seen: int = 0

    def look(self, name: str) -> None:
        """The page as it stands, in each shape."""
        self.seen += 1
        page = self.person.page
        for size, scheme in LOOKS[self.language]:
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme)
            where = f"{name} ({self.language}, {size['width']}, {scheme})"
            self._examine(where)
            self.person.picture(f"{self.language}-{size['width']}-{name}")
        if page.get_attribute("html", "lang") != self.language[:2]:
            self.faults.append(f"{name}: not in {self.language}")

    def _examine(self, where: str) -> None:
        page = self.person.page
        width = page.evaluate(WIDTH)
        if width > page.viewport_size["width"]:
            self.faults.append(f"{where}: scrolls sideways, {width} wide")
        small = page.evaluate(SMALL_TARGETS, SMALLEST_TARGET)
        self.faults += [f"{where}: small {target}" for target in small]
        for found in Axe().run(page).response["violations"]:
            at = "; ".join(node["html"][:120] for node in found["nodes"][:3])
            self.faults.append(f"{where}: {found['id']}: {found['help']}: {at}")

    def visit(self, name: str, path: str) -> None:
        """Open a page of the service and look."""
        self.person.open(path)
        self.look(name)

    def press(self, name: str, selector: str) -> None:
        """Press something and look at what comes."""
        self.person.page.click(selector)
        self.look(name)


def test_no_page_shuts_anybody_out(browser: Browser, country: Country) -> None:
    """WCAG 2.2 as far as axe sees it; no sideways scroll; no target under 24 pixels."""
    faults = []
    with opened(country, name="Công ty Nhà Xanh", procedures=[HOUSING, INSURANCE, BUSINESS]) as to:
        for language, name in (("vi-VN", "Nguyễn Thị Lan"), ("en-GB", "Đặng Ngọc Huyền")):
            person = Person.at(
                browser, country, country.citizen(name), language=language, has_scripts=True
            )
            citizen = Examiner(person, language)
            signing_in(citizen, to)
            deciding(citizen, to)
            being_in_charge(citizen)
            going_wrong(citizen, to)
            told = country.officer()
            officer = Person.at(browser, country, told, language=language, has_scripts=True)
            examined = Examiner(officer, language)
            reviewing(examined, of=person)
            assert citizen.seen + examined.seen >= 25
            faults += citizen.faults + examined.faults

    assert faults == []


def test_a_page_that_shuts_people_out_is_noticed(browser: Browser) -> None:
    """Otherwise the test above would praise anything."""
    with browser.new_context(viewport=PHONE) as context:
        page = context.new_page()
        page.set_content("<button style='width:9px;height:9px'></button><p style='width:900px'>x")
        found = {one["id"] for one in Axe().run(page).response["violations"]}
        assert {"button-name", "html-has-lang"} <= found
        assert page.evaluate(SMALL_TARGETS, SMALLEST_TARGET)
        assert page.evaluate(WIDTH) > PHONE["width"]


def signing_in(citizen: Examiner, office: Office) -> None:
    person, page = citizen.person, citizen.person.page
    citizen.visit("help", "/sign-in/help")
    office.send(page, {"procedure": BUSINESS, "case": "HKD-1"})
    citizen.look("sign-in")
    page.fill("#national-id", "12")
    citizen.press("sign-in-error", "#submit-sign-in")
    page.fill("#national-id", person.told["national_id"])
    page.fill("#password", person.told["password"])
    citizen.press("code", "#submit-sign-in")
    page.fill("#one-time-code", "000000")
    citizen.press("code-error", "#submit-code")
    page.fill("#one-time-code", person.told["one_time_code"])
    citizen.press("decision-request", "#submit-code")


def deciding(citizen: Examiner, office: Office) -> None:
    page = citizen.person.page
    missing = page.locator("main input[type=tel]")
    if missing.count():
        missing.first.fill("không phải số")
        citizen.press("decision-not-read", "#consent-allow")
        page.locator("main input[type=tel]").first.fill("")
    page.click("#consent-allow")
    office.send(page, {"procedure": HOUSING, "case": "NO-1"}, scope="openid profile email")
    citizen.look("decision-consent")
    citizen.press("decision-no-purpose", "#consent-allow")
    page.locator('input[name="purpose"]').first.check()
    page.click("#consent-allow")
    office.send(page, {"procedure": INSURANCE, "case": "BH-1"})
    citizen.look("decision-law")
    citizen.press("object", "#object")
    citizen.press("object-error", "#submit-objection")
    page.fill("#reason", "Sai ngày sinh.")
    citizen.press("objected", "#submit-objection")
    page.click("#go-back")
    page.click("#notice-continue")


def being_in_charge(citizen: Examiner) -> None:
    page = citizen.person.page
    citizen.visit("my", "/my")
    citizen.visit("consents", "/my/consents")
    page.locator("main article", has_text=BUSINESS).locator("a").first.click()
    citizen.look("consent")
    for closed in page.locator("main details").all():
        closed.locator("summary").click()
    citizen.look("consent-opened")
    citizen.press("withdraw", "#withdraw")
    citizen.press("withdrawn", "#confirm-withdraw")
    citizen.visit("consents-after", "/my/consents")
    page.locator("main article", has_text=INSURANCE).locator("a").first.click()
    citizen.look("consent-law")
    citizen.visit("access", "/my/access")
    citizen.visit("access-narrowed", "/my/access?basis=law&days=30")
    citizen.press("complain", "main article a[href$='/complaint']")
    citizen.press("complained", "#submit-complaint")
    citizen.visit("complaints", "/my/complaints")
    citizen.visit("data", "/my/data")
    citizen.visit("my-attention", "/my")
    citizen.press("receipt", "#receipts a")


def going_wrong(citizen: Examiner, office: Office) -> None:
    page = citizen.person.page
    citizen.visit("error-404", "/my/consents/00000000-0000-7000-8000-000000000000")
    citizen.visit("error-no-page", "/khong-co-trang-nay")
    citizen.visit("error-400", "/authorize?client_id=nobody")
    office.send(page, {"procedure": BUSINESS, "case": "HKD-2"})
    second = page.context.new_page()
    second.goto(page.url)
    second.click("#consent-deny")
    second.close()
    citizen.press("error-answered", "#consent-deny")
    citizen.visit("docs", "/docs")
    citizen.visit("sign-out", "/sign-out")
    citizen.press("signed-out", "#confirm-sign-out")


def reviewing(officer: Examiner, *, of: Person) -> None:
    person, page = officer.person, officer.person.page
    officer.visit("staff-sign-in", "/staff/sign-in")
    officer.press("staff-sign-in-error", "#submit-sign-in")
    person.sign_in_as_staff()
    officer.look("audit")
    officer.press("audit-objection", "#objections a")
    officer.press("audit-objection-error", "#submit-answer")
    page.fill("#answer", "Đã sửa theo đúng dữ liệu dân cư.")
    officer.press("audit-objection-answered", "#submit-answer")
    officer.visit("audit-complaints", "/audit/complaints")
    officer.press("audit-complaint", "#waiting a")
    officer.press("audit-complaint-error", "#submit-answer")
    page.fill("#answer", "Cơ quan này có hồ sơ thật.")
    officer.press("audit-complaint-answered", "#submit-answer")
    of.open("/my")
    of.sign_in()
    of.page.click("main a[href^='/my/objections/']")
    Examiner(of, officer.language, officer.faults).look("objection-answered")
    officer.visit("audit-again", "/audit/entries")
    page.fill("#search-number", of.told["national_id"])
    officer.press("audit-error", "#submit-search")
    page.fill("#search-number", of.told["national_id"])
    page.fill("#search-case", "GS-9")
    page.fill("#search-reason", "Người dân hỏi")
    officer.press("audit-found", "#submit-search")
