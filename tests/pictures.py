"""Pictures of the main pages for `docs/pictures`: the demo country in a real browser, scripts off.

`make pictures` writes them; whoever changed a page looks at what has changed.
"""

import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.conftest import chromium
from tests.databases import ROOT, Databases
from tests.journeys.conftest import ARGUMENTS
from tests.journeys.country import DESKTOP, PHONE, Country, Person
from tests.journeys.office import Office

TO = ROOT / "docs" / "pictures"
LAN, HUYEN = "097188004217", "098179002046"
SHARP = 1.5  # device pixels for each of the page
# A person reads the beginning of a long page; the whole of it is what the browser is for.
TALLEST = 1500
Step = Callable[[Person], None]


def citizen(country: Country, number: str) -> dict[str, str]:
    """One of the demo's own people."""
    return dict(next(one for one in country.demo["citizens"] if one["national_id"] == number))


def asked_by(client_id: str, procedure: str, **more: str) -> Step:
    """The person is sent by one of the demo's services and has signed in."""

    def come(person: Person) -> None:
        told = next(one for one in person.country.demo["services"] if one["client_id"] == client_id)
        office = Office(
            person.country,
            {
                "client_id": client_id,
                "client_name": client_id,
                "client_secret": told.get("client_secret", ""),
                "redirect_uris": told["redirect_uris"],
            },
        )
        office.send(person.page, {"procedure": procedure, **more})
        person.sign_in()

    return come


def at(path: str) -> Step:
    """The person has signed in and opened this page."""

    def go(person: Person) -> None:
        person.open("/my")
        person.sign_in()
        person.open(path)

    return go


def through(path: str, *links: str) -> Step:
    """The same, and pressed the first link of each kind, one after the other."""

    def go(person: Person) -> None:
        at(path)(person)
        press(person, links)

    return go


def on_duty(path: str, *links: str) -> Step:
    """A member of the staff has signed in, opened this page, and pressed such links."""

    def go(person: Person) -> None:
        person.sign_in_as_staff()
        person.open(path)
        press(person, links)

    return go


def press(person: Person, links: Iterable[str]) -> None:
    """The page behind the last of these links is open."""
    for link in links:
        person.page.locator(link).first.click()


def sign_in_page(person: Person) -> None:
    """Nobody yet."""
    person.open("/sign-in")


def declared_once(person: Person) -> None:
    """Lan has sent her matter, the police has fetched it, and she looks who did."""
    person.start("1.004222")
    person.sign_in()
    person.page.fill('[name="contact_phone"]', "0999 000 077")
    person.page.click("#consent-allow")
    person.open("/my/access")


A_DECISION = 'main a[href^="/my/consents/"]'
A_RECEIPT = 'main a[href^="/my/receipts/"]'
AN_ENTRY = 'main a[href^="/audit/entries/"]'
OF_CITIZENS: dict[str, tuple[str, Step]] = {
    "sign-in": (LAN, sign_in_page),
    "decision-request": (LAN, asked_by("commune-police", "1.004222", case="HS-2026-000417")),
    "decision-consent": (HUYEN, asked_by("social-housing", "1.115150", case="NOXH-2026-000031")),
    "decision-law": (LAN, asked_by("insurance", "1.002759", case="BH-2026-000112")),
    "my": (HUYEN, at("/my")),
    "my-data": (HUYEN, at("/my/data")),
    "who-uses-my-data": (HUYEN, at("/my/consents")),
    "one-decision": (HUYEN, through("/my/consents", A_DECISION)),
    "receipt": (HUYEN, through("/my/consents", A_DECISION, A_RECEIPT)),
    "access-log": (LAN, declared_once),
}
OF_OFFICERS: dict[str, Step] = {
    "desk": on_duty("/audit"),
    "entry": on_duty("/audit/entries?type=attributes:released", AN_ENTRY),
}


def take(person: Person, name: str) -> None:
    """The picture is in its file."""
    height = person.page.evaluate("document.documentElement.scrollHeight")
    size = person.page.viewport_size or PHONE
    clip = {"x": 0, "y": 0, "width": size["width"], "height": min(height, TALLEST)}
    person.page.screenshot(path=str(TO / f"{name}.png"), full_page=True, clip=clip)  # type: ignore[arg-type] # a dict of its keys
    person.page.context.close()
    sys.stdout.write(f"docs/pictures/{name}.png\n")


def take_all(browser: Browser, country: Country) -> None:
    """Every picture, each of somebody at a clean browser."""
    for name, (number, come) in OF_CITIZENS.items():
        person = Person.at(browser, country, citizen(country, number), sharp=SHARP)
        come(person)
        take(person, name)
    for name, come in OF_OFFICERS.items():
        officer = Person.at(browser, country, country.officer(), size=DESKTOP)
        come(officer)
        take(officer, name)


def main() -> None:
    """A country of its own is loaded, looked at, and gone."""
    TO.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="motlan-pictures-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        country = Country(Databases("sqlite", Path(folder), None, "pictures"), home)
        country.command("demo")
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
                take_all(browser, country.runs())
                browser.close()
        finally:
            country.stop()
            country.lobby.close()


if __name__ == "__main__":
    main()
