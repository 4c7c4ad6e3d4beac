"""Somebody who goes only where links and buttons lead, and looks at every page they come to."""

from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Locator, Page, Request

from tests.journeys.country import DESKTOP, PHONE, Country, Person
from tests.journeys.office import ARRIVED

# What a page says of itself, and how much wider than the screen it is.
SEEN = """() => { const root = document.documentElement; return {
  language: root.lang, headings: document.querySelectorAll("h1").length,
  title: document.title, said: document.body.innerText,
  ways: document.querySelectorAll("main a, main button, nav.menu a").length,
  wide: document.scrollingElement.scrollWidth - innerWidth }; }"""
# A day of the inspector's, or a look in its sample, of which not everything was said yet. What the
# demo's inspector has said before depends on the weekday that the demo country was loaded on.
WAITING = "tbody tr:not(:has(td:last-child .tag))"
TOO_WIDE = "document.scrollingElement.scrollWidth - innerWidth"


@dataclass(frozen=True)
class Way:
    """In which language, and on what."""

    language: str
    size: dict[str, int]

    @property
    def is_impatient(self) -> bool:
        """On this way every form is sent twice; one such way is enough."""
        return self.language == "vi-VN"


# The two ways that every journey is gone.
WAYS = [
    pytest.param(Way("vi-VN", PHONE), id="phone"),
    pytest.param(Way("en-GB", DESKTOP), id="desktop"),
]


@dataclass
class Walker(Person):
    """A person who looks at each page: its language, one heading, and room for it on any screen."""

    way: Way = Way("vi-VN", PHONE)

    @classmethod
    def on(cls, way: Way, browser: Browser, country: Country, told: dict[str, Any]) -> "Walker":
        """Somebody sits down at a clean browser of this kind."""
        person = Person.at(browser, country, told, language=way.language, size=way.size)
        return cls(person.country, person.page, told, way)

    def goes(self, path: str) -> None:
        """Types an address, as one does to begin."""
        self.open(path)
        self.looks()

    def follows(self, link: str) -> None:
        """A link on this page; the page behind it."""
        found = self.page.locator(f"a{link}" if link.startswith("[") else link).first
        assert found.evaluate("e => e.tagName") == "A", link
        found.click()
        self.looks()

    def takes(self, button: str) -> None:
        """A button, once even in haste: each time it is pressed something new is made."""
        self.page.locator(button).first.click()
        self.looks()

    def presses(self, button: str) -> None:
        """A button; the page that comes. In haste the same form is sent once more."""
        form = self._press(button)
        self.looks()
        if form is not None and self.way.is_impatient:
            self._sends_again(form)

    def leaves(self, button: str) -> None:
        """The same where the page that comes is somebody else's."""
        form = self._press(button)
        if form is not None and self.way.is_impatient:
            self._sends_again(form)

    def _press(self, button: str) -> Request | None:
        """Done, and another page is there; the form that was sent, if it was one."""
        page, sent = self.page, list[Request]()

        def note(request: Request) -> None:
            sent.append(request)

        page.on("request", note)
        page.evaluate("document.isBehindUs = true")
        page.locator(button).first.click()
        page.wait_for_function("!document.isBehindUs && document.readyState === 'complete'")
        page.remove_listener("request", note)
        return next((request for request in sent if request.method == "POST"), None)

    def _sends_again(self, form: Request) -> None:
        """With the cookies of now, as a second tap does when the first was answered already."""
        headers = {"Origin": self.country.issuer, "Content-Type": form.headers["content-type"]}
        again = self.page.context.request.post(
            form.url, data=form.post_data or "", headers=headers, max_redirects=0
        )
        assert again.status in {303, 400, 401, 403, 404, 409, 429}, (form.url, again.status)
        assert again.status == 303 or 'id="error"' in again.text(), (form.url, again.status)

    def steps_back(self) -> None:
        """The browser's own button does no harm: a page with a way on, and then here again."""
        here = self.page.url
        try:
            self.page.go_back()
            is_told_kindly(self.page)
        except Error as asked:
            # It was the answer to a form: the browser asks before it sends that again.
            if "ERR_CACHE_MISS" not in asked.message:
                raise
            self.page.wait_for_url("chrome-error://**")
        self.page.goto(here)
        self.looks()

    def fills(self, **fields: str) -> None:
        """Types into fields, by their ids with `_` for `-`."""
        for name, text in fields.items():
            self.page.fill(f"#{name.replace('_', '-')}", text)

    def finds(self, selector: str) -> Locator:
        """The one thing of this kind on the page."""
        found = self.page.locator(selector)
        assert found.count() == 1, f"{found.count()} of {selector} at {self.place}"
        return found

    @property
    def place(self) -> str:
        """Where we are, without the host."""
        return self.page.url.removeprefix(self.country.issuer)

    def looks(self) -> None:
        """This page is fit to be seen, on this screen and on the other."""
        seen = is_told_kindly(self.page)
        assert seen["language"] == self.way.language[:2], self.place
        assert seen["headings"] == 1, self.place
        assert seen["title"].endswith(" – Một Lần"), self.place
        assert seen["wide"] <= 0, f"{self.place}: {seen['wide']} pixels too wide"
        self.page.set_viewport_size(DESKTOP if self.way.size == PHONE else PHONE)
        too_wide = self.page.evaluate(TOO_WIDE)
        self.page.set_viewport_size(self.way.size)
        assert too_wide <= 0, f"{self.place}: {too_wide} pixels too wide on the other screen"


def is_told_kindly(page: Page) -> dict[str, Any]:
    """No page of ours is a mistake of the system, or without a way on; what it says of itself."""
    page.wait_for_load_state()
    seen: dict[str, Any] = page.evaluate(SEEN)
    if ARRIVED not in seen["said"]:  # the office's own page
        assert "Hệ thống gặp lỗi" not in seen["said"], page.url
        assert "Something went wrong" not in seen["said"], page.url
        assert seen["ways"], page.url
    return seen
