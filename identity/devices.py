"""What a browser calls itself, in two words that people know; nothing else of it is kept.

Our own small table: the header is long, lies freely and could tell people apart, so only these
words reach the database.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

# The first that is found counts: most browsers name others that they want to be taken for.
_BROWSERS = (
    ("Zalo", "Zalo"),
    ("Facebook", r"FBAN|FBAV"),
    ("Cốc Cốc", "coc_coc"),
    ("Samsung Internet", "SamsungBrowser"),
    ("Opera", r"OPR/|Opera"),
    ("Edge", r"Edg(?:e|A|iOS)?/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|CriOS/|Chromium/"),
    ("Safari", r"Safari/"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac", "Macintosh|Mac OS X"),
    ("ChromeOS", "CrOS"),
    ("Linux", "Linux|X11"),
)
_READ = 500  # characters; no browser needs more to say these words


@dataclass(frozen=True, slots=True)
class Device:
    """A browser and the system under it; null: it does not tell, or we do not know it."""

    browser: str | None = None
    system: str | None = None

    @property
    def words(self) -> str:
        """As a list of devices shows it; empty: nothing is known."""
        return ", ".join(word for word in (self.browser, self.system) if word)


@lru_cache(maxsize=256)
def read(user_agent: str) -> Device:
    """What the header says; whatever it holds, only words of our own come out."""
    told = user_agent[:_READ]
    return Device(_first(_BROWSERS, told), _first(_SYSTEMS, told))


def _first(table: tuple[tuple[str, str], ...], told: str) -> str | None:
    return next((word for word, pattern in table if re.search(pattern, told)), None)
