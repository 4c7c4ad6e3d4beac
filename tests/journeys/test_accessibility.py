"""Every page in every state by axe-core: light and dark, text of twice the size, vi and en."""

from urllib.parse import urlsplit

import pyotp
import pytest
from flask import Flask
from playwright.sync_api import Browser

from tests.journeys.cast import BUSINESS, HOUSING, INSURANCE
from tests.journeys.country import PHONE, Country, Person
from tests.journeys.examining import TOO_WIDE, WORDS, Examiner
from tests.journeys.office import Office, opened
from tests.journeys.walking import WAITING

# A page is the same on either database, so it is examined on one.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.sqlite,
    pytest.mark.timeout(600),
]
NEW = "ruộng bậc thang 7 cái nón"
# They show nothing of their own: a redirect, a file, or `test_how_pages_look.py` has it.
NO_PAGES = {"language", "static", "design", "authentication.home", "authorization.take_request"}
FROM_ELSEWHERE = {"logout.ask_to_end_session"}  # what it shows is the page of signing out


def test_no_page_shuts_anybody_out(browser: Browser, country: Country, app: Flask) -> None:
    """WCAG 2.2 as far as axe sees it; no sideways scroll; no target under 24 pixels."""
    sit = Sitting(browser, country)
    with opened(country, name="Công ty Nhà Xanh", procedures=[HOUSING, INSURANCE]) as office:
        beginning(sit.down(country.newcomer()))
        citizen = sit.down(country.citizen("Đặng Ngọc Huyền"))
        signing_in(citizen, office)
        objection = deciding(citizen, office)
        receipt, complaint = being_in_charge(citizen)
        keeping_safe(citizen)
        asked_from_elsewhere(citizen, office)
        going_wrong(citizen, office)
        enrolling(sit.down(country.invited("operator")))
        at_the_counter(sit.down(country.member("counter-officer")), of=country.newcomer())
        inspecting(sit.down(country.member("inspector")))
        officer = sit.down(country.other_officer())
        at_work(officer)
        answering(officer, objection=objection, complaint=complaint)
        searching(officer, of=citizen, receipt=receipt)
    answered(citizen)
    for examined in (citizen, officer):
        examined.read_in_english()
    leaving(citizen)

    assert sit.faults() == []
    assert sit.left_out(app) == set()


class Sitting:
    """Those who examine, and what they have seen together."""

    def __init__(self, browser: Browser, country: Country) -> None:
        self.browser, self.country = browser, country
        self.examiners: list[Examiner] = []

    def down(self, told: dict) -> Examiner:
        """Somebody with a phone."""
        person = Person.at(self.browser, self.country, told, has_scripts=True)
        self.examiners.append(Examiner(person))
        return self.examiners[-1]

    def faults(self) -> list[str]:
        """What is wrong with anything they saw."""
        return [fault for examiner in self.examiners for fault in examiner.faults]

    def left_out(self, app: Flask) -> set[str]:
        """Pages that nobody examined."""
        known = app.url_map.bind("localhost")
        pages = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in rule.methods}
        pages = {page for page in pages if not page.startswith("door:")} - NO_PAGES
        for examiner in self.examiners:
            for path in {place.partition("?")[0] for place in examiner.places}:
                if known.test(path, "GET"):
                    pages.discard(known.match(path, "GET")[0])
        return pages - FROM_ELSEWHERE


def test_a_page_that_shuts_people_out_is_noticed(browser: Browser) -> None:
    """Otherwise the test above would praise anything."""
    with browser.new_context(viewport=PHONE) as context:
        page = context.new_page()
        examiner = Examiner(Person(None, page, {}))
        page.goto("about:blank")
        page.set_content("<button style='width:9px;height:9px'></button><p style='width:900px'>x")
        examiner.measure("it")
        examiner.ask_axe("it", WORDS)
        told = {fault.split(": ")[1] for fault in examiner.faults}
        assert {"button-name", "html-has-lang"} <= told
        assert "548 pixels too wide" in told
        assert any(fault.startswith("small <button") for fault in told)
        page.set_content("<p style='width:19rem'>x")
        sent, twice = page.evaluate(TOO_WIDE)
        assert sent <= 0 < twice


def beginning(newcomer: Examiner) -> None:
    """From the letter to an own page with nothing on it yet."""
    told = newcomer.person.told
    newcomer.visit("help", "/sign-in/help")
    newcomer.visit("letter", "/sign-in/activate")
    newcomer.press("letter-error", "#submit-letter")
    letter = {name: told[name] for name in ("national_id", "letter_code")}
    newcomer.press("first-password", "#submit-letter", **letter)
    newcomer.press("first-password-error", "#submit-password", new_password="a", repeated="b")
    newcomer.press("first-factor", "#submit-password", new_password=NEW, repeated=NEW)
    newcomer.press("first-app", "#choose-app")
    newcomer.press("first-app-error", "#submit-code", one_time_code="000000")
    newcomer.person.open("/sign-in/activate/second-factor")
    newcomer.press("first-codes", "#choose-codes")
    newcomer.press("my-empty", "#submit-codes")
    for name in ("consents", "access", "data", "complaints"):
        newcomer.visit(f"{name}-empty", f"/my/{name}")


def signing_in(citizen: Examiner, office: Office) -> None:
    """Sent by an office, with a mistake on each page."""
    told = citizen.person.told
    office.send(citizen.person.page, {"procedure": BUSINESS, "case": "HKD-1"})
    citizen.look("sign-in")
    citizen.press("sign-in-error", "#submit-sign-in", national_id="12")
    proof = {name: told[name] for name in ("national_id", "password")}
    citizen.press("code", "#submit-sign-in", **proof)
    citizen.press("code-error", "#submit-code", one_time_code="000000")
    citizen.press("decision-request", "#submit-code", one_time_code=told["one_time_code"])


def deciding(citizen: Examiner, office: Office) -> str:
    """The three bases, what was not chosen, and an objection; its number."""
    page = citizen.person.page
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
    citizen.press("objected", "#submit-objection", reason="Sai ngày sinh.")
    number = page.inner_text("#objection-number")
    page.click("#go-back")
    page.click("#notice-continue")
    return number


def being_in_charge(citizen: Examiner) -> tuple[str, str]:
    """What was decided, who looked, and a complaint; the numbers of a receipt and of that."""
    page = citizen.person.page
    citizen.visit("my", "/my")
    citizen.press("receipt", "#receipts a")
    receipt = page.inner_text("#receipt-number")
    citizen.visit("consents", "/my/consents")
    citizen.press("consent", f"main article:has-text('{BUSINESS}') a")
    for closed in page.locator("main details summary").all():
        closed.click()
    citizen.look("consent-opened")
    citizen.press("object-to-decision", "#object")
    page.go_back()
    citizen.press("withdraw", "#withdraw")
    citizen.press("withdrawn", "#confirm-withdraw")
    citizen.visit("consents-after", "/my/consents")
    citizen.press("consent-law", f"main article:has-text('{INSURANCE}') a")
    citizen.visit("access", "/my/access")
    citizen.visit("access-narrowed", "/my/access?basis=law&days=30")
    citizen.press("complain", "main article a[href$='/complaint']")
    citizen.press("complained", "#submit-complaint")
    complaint = page.inner_text("#complaint-number")
    citizen.visit("complaints", "/my/complaints")
    citizen.visit("data", "/my/data")
    for closed in page.locator("main details summary").all():
        closed.click()
    citizen.look("data-opened")
    citizen.visit("my-attention", "/my")
    return receipt, complaint


def keeping_safe(citizen: Examiner) -> None:
    """What proves a person, and their machines."""
    told = citizen.person.told
    proof = {name: told[name] for name in ("password", "one_time_code")}
    citizen.visit("security", "/my/security")
    citizen.press("device", "#devices a")
    citizen.visit("password", "/my/security/password")
    citizen.press("password-error", "#submit-password")
    for name, button in (("app", "#choose-app"), ("codes", "#choose-codes")):
        citizen.visit("second-factor", "/my/security/second-factor")
        citizen.press(f"second-factor-error-{name}", button)
        citizen.press(f"new-{name}", button, **proof)
    citizen.press("security-done", "#submit-codes")


def asked_from_elsewhere(citizen: Examiner, office: Office) -> None:
    """A screen without keys, and a counter, both of which wait for an answer."""
    told = office.post("/device_authorization", scope="openid")
    citizen.visit("device", "/device")
    citizen.press("device-error", "#submit-user-code")
    citizen.press("device-ask", "#submit-user-code", user_code=told["user_code"])
    citizen.press("device-allowed", "#device-allow")
    citizen.visit("device-refused", "/device/refused")
    number = citizen.person.told["national_id"]
    said = {"scope": "openid", "login_hint": number, "binding_message": "Quầy 3, số 127"}
    citizen.visit("requests-none", "/my/requests")
    office.post("/bc-authorize", **said)
    citizen.visit("requests", "/my/requests")
    citizen.press("request", "#requests a")
    citizen.press("request-refused", "#ciba-deny")
    citizen.visit("request-allowed", "/my/requests/allowed")


def going_wrong(citizen: Examiner, office: Office) -> None:
    """Every kind of page that says no."""
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


def enrolling(newcomer: Examiner) -> None:
    """From the operator's link to the first sign-in, and what the role is not for."""
    told, page = newcomer.person.told, newcomer.person.page
    newcomer.visit("link", urlsplit(told["link"]).path)
    newcomer.press("link-error", "#submit-enrolment")
    newcomer.press("staff-password", "#submit-enrolment", code=told["code"])
    newcomer.press("staff-password-error", "#submit-password", new_password="a", repeated="b")
    newcomer.press("staff-app", "#submit-password", new_password=NEW, repeated=NEW)
    newcomer.press("staff-app-error", "#submit-code", one_time_code="000000")
    secret = page.inner_text("#app-secret").replace(" ", "")
    newcomer.press("staff-codes", "#submit-code", one_time_code=pyotp.TOTP(secret).now())
    codes = page.locator("#recovery-codes code").all_inner_texts()
    newcomer.press("enrolled", "#submit-codes")
    newcomer.press("staff-sign-in-error", "#submit-sign-in")
    newcomer.press("staff-code", "#submit-sign-in", username=told["username"], password=NEW)
    newcomer.press("staff-code-error", "#submit-code", one_time_code="000000")
    newcomer.press("staff", "#submit-code", one_time_code=codes[0])
    newcomer.visit("members", "/staff/members")
    newcomer.visit("staff-security", "/staff/security")
    for name, button in (("password", "#submit-password"), ("factor", "#submit-factors")):
        newcomer.visit(f"staff-new-{name}", f"/staff/security/{name}")
        newcomer.press(f"staff-new-{name}-error", button)
    newcomer.visit("error-403", "/audit")
    newcomer.visit("operations", "/operations")


def at_the_counter(officer: Examiner, *, of: dict) -> None:
    """From the number to the printed letter."""
    page = officer.person.page
    officer.person.sign_in_as_staff()
    officer.visit("counter", "/counter")
    officer.press("counter-error", "#submit-look")
    page.check("#need")
    page.check("#card")
    officer.press("counter-compare", "#submit-look", national_id=of["national_id"])
    officer.press("counter-letter", "#give")
    officer.press("counter-done", "#printed")


def inspecting(inspector: Examiner) -> None:
    """The days, one of them, one look, and what is said of it."""
    inspector.person.sign_in_as_staff()
    inspector.visit("inspection", "/inspection")
    inspector.press("inspection-day", f"#days {WAITING} a")
    inspector.press("inspection-entry", f"#sample {WAITING} a")
    inspector.press("inspection-error", "#to-explain")
    inspector.press("inspection-said", "#in-order")


def at_work(officer: Examiner) -> None:
    """The desk: filters, saved ones, an entry with its proof, lists to take out, receipts."""
    page = officer.person.page
    officer.person.sign_in_as_staff()
    officer.look("audit")
    officer.visit("staff-officer", "/staff")
    officer.visit("entries", "/audit/entries")
    officer.visit("entries-wrong", "/audit/entries?from=32/13/2026")
    officer.visit("entries-none", "/audit/entries?type=log:closed")
    officer.visit("entries-narrowed", "/audit/entries?type=service:registered&last=30")
    officer.press("saved-error", "#submit-saved")
    officer.press("saved", "#submit-saved", saved_name="Hệ thống mới")
    officer.press("entry", "#entries tr:last-child a[href^='/audit/entries/']")
    assert page.locator("#proof").count() == 1
    officer.visit("exports-empty", "/audit/exports")
    officer.visit("export", "/audit/exports/new?type=service:registered")
    officer.press("export-error", "#submit-export")
    officer.press("exports", "#submit-export", reason="Báo cáo quý")
    officer.visit("receipts", "/audit/receipts")
    officer.press("receipts-error", "#submit-receipt", number="không có")
    officer.visit("recipients", "/audit/recipients")


def answering(officer: Examiner, *, objection: str, complaint: str) -> None:
    """An objection and a complaint, read and answered."""
    for kind, number in (("objections", objection), ("complaints", complaint)):
        officer.visit(f"audit-{kind}", f"/audit/{kind}")
        officer.press(f"audit-{kind}-one", f"main a[href='/audit/{kind}/{number}']")
        officer.press(f"audit-{kind}-error", "#submit-answer")
        officer.press(f"audit-{kind}-answered", "#submit-answer", answer="Đã kiểm tra.")


def searching(officer: Examiner, *, of: Examiner, receipt: str) -> None:
    """By a person's number, and by the number of a receipt."""
    number = of.person.told["national_id"]
    officer.person.open("/audit/entries")
    officer.press("audit-error", "#submit-search", search_number=number)
    more = {"search_case": "GS-9", "search_reason": "Người dân hỏi"}
    officer.press("audit-found", "#submit-search", search_number=number, **more)
    officer.person.open("/audit/receipts")
    officer.press("rebuilt", "#submit-receipt", number=receipt)


def answered(citizen: Examiner) -> None:
    """What a citizen reads at the end."""
    for kind in ("objections", "complaints"):
        citizen.visit(f"my-{kind}", "/my")
        citizen.press(f"{kind}-answered", f"#attention a[href^='/my/{kind}/']")


def leaving(citizen: Examiner) -> None:
    """Signing out."""
    citizen.visit("sign-out", "/sign-out")
    citizen.press("signed-out", "#confirm-sign-out")
