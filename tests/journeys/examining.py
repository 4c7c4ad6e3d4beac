"""Somebody who examines each page that a person meets: by axe-core, by its room, by its targets."""

from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT

from tests.journeys.country import Person

WIDTH = "document.scrollingElement.scrollWidth"
SMALLEST_TARGET = 24  # WCAG 2.2 §2.5.8, in CSS pixels
# Buttons, fields and links of their own line; a link within a sentence is exempt.
SMALL_TARGETS = """(least) => [...document.querySelectorAll(
  `button, input:not([type=hidden]), select, textarea, summary, a.button, nav a`
)].filter(e => { const b = e.getBoundingClientRect();
  return b.width && (b.width < least || b.height < least); }).map(e => e.outerHTML.slice(0, 80))"""
# How much wider than the screen the page is, as it is sent and with text of twice the size.
TOO_WIDE = """() => { const root = document.documentElement, page = document.scrollingElement;
  const sent = page.scrollWidth - innerWidth; root.style.fontSize = "200%";
  const twice = page.scrollWidth - innerWidth; root.style.fontSize = ""; return [sent, twice]; }"""
EVERYTHING = {"resultTypes": ["violations"]}
ASK = "options => axe.run(options).then(told => told.violations)"
ALL_BUT_COLOURS = EVERYTHING | {"rules": {"color-contrast": {"enabled": False}}}
# In the dark the same page has other colours and nothing else.
COLOURS = EVERYTHING | {"runOnly": ["color-contrast"]}
# In the other language it has other words: also those that only a screen reader says.
WORDS = EVERYTHING | {
    "runOnly": [
        "aria-command-name",
        "aria-input-field-name",
        "button-name",
        "document-title",
        "html-has-lang",
        "html-lang-valid",
        "label",
        "link-name",
        "role-img-alt",
        "select-name",
        "summary-name",
        "svg-img-alt",
        "valid-lang",
    ]
}


@dataclass
class Examiner:
    """What is wrong with the pages that somebody saw, and which these were."""

    person: Person
    faults: list[str] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)  # what was seen there last

    def __post_init__(self) -> None:
        """Each page brings axe along: half a megabyte, that need not be sent at each look."""
        self.person.page.context.add_init_script(AXE_SCRIPT)

    def look(self, name: str) -> None:
        """The page as it stands: light and dark, on a phone, and with larger text."""
        page = self.person.page
        place = page.url.removeprefix(self.person.country.issuer)
        self.measure(name)
        # Colours once for an address: its other states are made of parts that /design shows.
        self.ask_axe(name, EVERYTHING if place not in self.places else ALL_BUT_COLOURS)
        if place not in self.places:
            page.emulate_media(color_scheme="dark")
            self.ask_axe(f"{name} (dark)", COLOURS)
            page.emulate_media(color_scheme="light")
        self.places[place] = name
        self.person.picture(name)

    def measure(self, name: str) -> None:
        """No sideways scroll, nothing too small to be hit."""
        page = self.person.page
        sent, twice = page.evaluate(TOO_WIDE)
        if sent > 0:
            self.faults.append(f"{name}: {sent} pixels too wide")
        if twice > 0:
            self.faults.append(f"{name}: {twice} pixels too wide with text of twice the size")
        small = page.evaluate(SMALL_TARGETS, SMALLEST_TARGET)
        self.faults += [f"{name}: small {target}" for target in small]

    def ask_axe(self, name: str, options: dict[str, Any]) -> None:
        """Whatever axe finds is a fault."""
        for found in self.person.page.evaluate(ASK, options):
            at = "; ".join(node["html"][:120] for node in found["nodes"][:3])
            self.faults.append(f"{name}: {found['id']}: {found['help']}: {at}")

    def visit(self, name: str, path: str) -> None:
        """Open a page of the service and look."""
        self.person.open(path)
        self.look(name)

    def press(self, name: str, selector: str, **fields: str) -> None:
        """Fill in fields, by their ids with `_` for `-`; press something; look at what comes."""
        for field_id, text in fields.items():
            self.person.page.fill(f"#{field_id.replace('_', '-')}", text)
        self.person.page.click(selector)
        self.look(name)

    def read_in_english(self) -> None:
        """The same addresses once more: every word is there, and has room."""
        self.person.open("/language?to=en&back=/sign-in/help")
        for place in self.places:
            answer = self.person.page.goto(self.person.country.issuer + place)
            if answer is None or answer.status >= 500:
                self.faults.append(f"{place}: no answer in English")
            elif self.person.page.get_attribute("html", "lang") != "en":
                self.faults.append(f"{place}: not in English")
            self.measure(f"{place} (English)")
            self.ask_axe(f"{place} (English)", WORDS)
        self.person.open("/language?to=vi&back=/sign-in/help")
