"""Journey 3: a service fetches what was decided, and nothing beyond it."""

import pytest
from playwright.sync_api import Browser

from tests.journeys.country import DESKTOP, Country, Person
from tests.journeys.office import ARRIVED, Office, opened

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
BUSINESS = "1.001612"


def test_each_fetch_is_covered_and_seen(lan: Person, browser: Browser, country: Country) -> None:
    """Covered items come with their envelope, others are withheld; both looks reach Lan."""
    with opened(country, name="Phòng Kinh tế", procedures=[BUSINESS]) as office:
        office.send(lan.page, {"procedure": BUSINESS, "case": "HKD-5"})
        lan.sign_in()
        lan.page.click("#consent-allow")
        assert ARRIVED in lan.text()
        tokens = office.redeem()
        entry = the_office_gets_what_was_decided(office, tokens)
        the_office_gets_nothing_beyond(office, tokens)
        lan_sees_each_look(lan, office, entry)
        nobody_else_sees_it(browser, country, entry)


def the_office_gets_what_was_decided(office: Office, tokens: dict) -> str:
    """Each value with source, register and day; the entry's id is the receipt."""
    answer = office.fetch(tokens, procedure=BUSINESS, case="HKD-5")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["basis"], told["case"]) == ("request", "HKD-5")
    assert told["values"]["full_name"]["value"] == "Nguyễn Thị Lan"
    assert told["values"]["full_name"]["register"] == "population"
    assert told["decision_id"] == tokens["authorization_details"][0]["decision_id"]
    return str(told["entry"]["id"])


def the_office_gets_nothing_beyond(office: Office, tokens: dict) -> None:
    """Undecided is withheld, unknown is an error, nothing covered is a refusal."""
    some = office.fetch(tokens, attributes=["full_name", "marital_status"]).json()
    assert set(some["values"]) == {"full_name"}
    assert some["withheld"] == [{"name": "marital_status", "reason": "not_decided"}]
    assert office.fetch(tokens, attributes=["shoe_size"]).status_code == 400
    refused = office.fetch(tokens, attributes=["marital_status"])
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:motlan:error:not-covered")


def lan_sees_each_look(lan: Person, office: Office, entry: str) -> None:
    """The one that was answered, by its entry, and the one that was refused."""
    lan.open("/my/access")
    lan.picture("access-fetches")
    look = lan.page.locator(f'[data-entry="{entry}"]')
    assert office.name in look.inner_text()
    assert "HKD-5" in look.inner_text()
    refused = lan.page.locator("[data-entry]", has_text="Từ chối").first
    assert office.name in refused.inner_text()


def nobody_else_sees_it(browser: Browser, country: Country, entry: str) -> None:
    """Another citizen's list does not have the entry."""
    huyen = Person.at(browser, country, country.citizen("Đặng Ngọc Huyền"), size=DESKTOP)
    huyen.open("/my/access")
    huyen.sign_in()
    assert huyen.page.locator("main h1").count() == 1
    assert huyen.page.locator(f'[data-entry="{entry}"]').count() == 0
