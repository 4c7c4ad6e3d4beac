"""Journey: the officer's desk: narrow the list, keep that, prove an entry, take a list out."""

import csv
import io
import re

import pytest
from playwright.sync_api import Browser

from tests.journeys.cast import LARGE
from tests.journeys.country import Country, Person
from tests.journeys.walking import WAYS, Walker, Way

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.sqlite,
    pytest.mark.timeout(600),
]
NAME = "Hệ thống mới đăng ký"
WHY = "Báo cáo quý cho lãnh đạo đơn vị"
KIND = "service:registered"


@pytest.mark.parametrize("way", WAYS)
def test_a_day_at_the_desk(way: Way, browser: Browser, country: Country) -> None:
    """Every page is reached from `/audit`; a large list leaves only when another unit agrees."""
    officer = sits_down(way, browser, country)
    she_looks_for_a_person(officer, country)
    she_keeps_what_she_narrowed(officer)
    she_proves_an_entry(officer)
    she_takes_a_small_list_out(officer)
    other = sits_down(way, browser, country)
    assert other.told["unit"] != officer.told["unit"]
    a_large_list_needs_another_unit(officer, other)
    officer.follows("nav [href='/staff/members']")
    officer.follows("nav [href='/staff/security']")
    officer.follows("header .brand")
    officer.follows("main [href='/audit']")
    officer.presses("#staff-sign-out")


@pytest.mark.sqlite
def test_nobody_opens_an_entry_about_themself(browser: Browser, country: Country) -> None:
    """An officer who is a citizen too finds neither the entry nor a way around."""
    herself = Person.at(browser, country, country.cast["herself"])
    herself.open("/my/access")
    herself.sign_in()
    entry = herself.page.locator("[data-entry]").first.get_attribute("data-entry")
    at_work = Person.at(browser, country, country.cast["officer_about_herself"])
    at_work.sign_in_as_staff()
    for path in (f"/audit/entries/{entry}", f"/audit/entries/{entry}?type=sign_in:refused"):
        answer = at_work.page.goto(country.issuer + path)
        assert answer is not None
        assert answer.status in {403, 404}
        assert at_work.page.locator("#entry").count() == 0
    at_work.open("/audit/entries?type=sign_in:refused")
    assert at_work.page.locator(f"[data-entry='{entry}']").count() == 0


def sits_down(way: Way, browser: Browser, country: Country) -> Walker:
    """The next officer signs in and is at the desk."""
    officer = Walker.on(way, browser, country, country.other_officer())
    officer.goes("/staff")
    officer.fills(username=officer.told["username"], password=officer.told["password"])
    officer.presses("#submit-sign-in")
    officer.fills(one_time_code=officer.told["one_time_code"])
    officer.presses("#submit-code")
    assert officer.place == "/audit"
    assert officer.page.locator("svg rect, #failures td").count()
    return officer


def she_looks_for_a_person(officer: Walker, country: Country) -> None:
    """With a case and a reason; the address says nothing of the person."""
    number = country.cast["herself"]["national_id"]
    officer.follows("nav [href='/audit/entries']")
    officer.fills(search_number=number)
    officer.presses("#submit-search")
    assert officer.page.locator("#error a").first.get_attribute("href") == "#search-case"
    officer.fills(search_number=number, search_case="GS-5", search_reason="Theo đơn")
    officer.presses("#submit-search")
    assert re.fullmatch(r"/audit/entries\?search=[0-9a-f-]{36}", officer.place)
    assert officer.page.locator("[data-entry]").count() > 10
    officer.follows("[rel=next]")
    officer.steps_back()
    officer.follows("[rel=prev]")


def she_keeps_what_she_narrowed(officer: Walker) -> None:
    """A name for the filters; run from the list, and removed again."""
    officer.follows("nav [href='/audit/entries']")
    officer.page.select_option("#type", KIND)
    officer.presses("#submit-filter")
    kinds = officer.page.locator("[data-entry] td code").all_inner_texts()
    assert set(kinds) == {KIND}
    officer.presses("#submit-saved")
    assert officer.finds("#error a").get_attribute("href") == "#saved-name"
    officer.fills(saved_name=NAME)
    officer.takes("#submit-saved")
    assert "saved=" in officer.place
    officer.steps_back()
    officer.follows("nav [href='/audit/entries']")
    officer.page.locator("ul.saved a", has_text=NAME).click()
    officer.looks()
    assert officer.page.locator("[data-entry]").count() == len(kinds)
    officer.presses(f"ul.saved li:has-text('{NAME}') button")
    assert officer.page.locator("ul.saved a", has_text=NAME).count() == 0


def she_proves_an_entry(officer: Walker) -> None:
    """The oldest of a kind stands in the signed log; the way to its root is on the page."""
    officer.page.select_option("#type", "service:registered")
    officer.presses("#submit-filter")
    officer.follows("#entries tr:last-child [href^='/audit/entries/']")
    for _attempt in range(20):  # a head is signed about once a second
        if officer.page.locator("#proof").count():
            break
        officer.page.wait_for_timeout(250)
        officer.page.reload()
    assert "done" in officer.finds("#proof").get_attribute("class").split()
    assert re.fullmatch(r"[0-9a-f]{64}", officer.finds("#leaf-hash").inner_text())
    officer.looks()
    officer.picture("entry-proved")


def she_takes_a_small_list_out(officer: Walker) -> None:
    """Up to a hundred entries, alone; each cell is text to a spreadsheet."""
    officer.follows("nav [href='/audit/entries']")
    officer.page.select_option("#type", KIND)
    officer.presses("#submit-filter")
    expected = officer.page.locator("[data-entry]").count()
    officer.follows("#export")
    officer.presses("#submit-export")
    assert officer.finds("#error a").get_attribute("href") == "#reason"
    officer.fills(reason=WHY)
    officer.takes("#submit-export")
    assert officer.place == "/audit/exports"
    rows = taken_out(officer)
    assert len(rows) == expected
    assert {row[key] for row in rows for key in row if row[key] == KIND} == {KIND}
    assert not any(value[:1] in "=+-@" for row in rows for value in row.values() if value)


def taken_out(officer: Walker) -> list[dict[str, str]]:
    """The file of the newest export that may be fetched, read."""
    with officer.page.expect_download() as begun:
        officer.page.locator("form[action$='/file'] button").first.click()
    text = begun.value.path().read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def a_large_list_needs_another_unit(officer: Walker, other: Walker) -> None:
    """It waits until the other unit has read the reason and confirmed."""
    officer.follows("nav [href='/audit/entries']")
    officer.follows("#export")
    officer.fills(reason=WHY)
    officer.takes("#submit-export")
    waiting = officer.page.locator("article:not(:has(form))").first
    name = waiting.get_attribute("id")
    other.follows("nav [href='/audit/exports']")
    shown = other.finds(f"#{name}")
    assert WHY in shown.inner_text()
    other.presses(f"#{name} form[action$='/confirm'] button")
    other.steps_back()
    officer.follows("nav [href='/audit/exports']")
    assert officer.page.locator(f"#{name} form[action$='/file']").count() == 1
    assert len(taken_out(officer)) > LARGE
