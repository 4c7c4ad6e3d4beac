"""The tour of the demo country: one text, for who starts it and for who reads about it."""

from collections.abc import Iterator, Mapping
from typing import Any

from consent.demo import files

PAGE = files.ROOT / "docs" / "tour.md"
_SERVICE, _SAMPLE = "http://localhost:8000", "http://localhost:8001"


def steps(told: Mapping[str, Any]) -> Iterator[str]:
    """The steps of `docs/tour.md`, with the addresses as they are here."""
    if not PAGE.is_file():
        return
    text = PAGE.read_text(encoding="utf-8").partition("\n## ")[2]
    for line in text.splitlines()[2:]:
        if line.startswith("## "):
            return
        plain = line.replace("**", "").replace("`", "")
        yield plain.replace(_SERVICE, told["issuer"]).replace(_SAMPLE, told["sample"] or _SAMPLE)
