"""The tour says what can be done: its people are there, and its addresses are pages of ours."""

import re
from urllib.parse import urlsplit

import pytest
from flask import Flask

from consent.demo import files, tour

TEXT = tour.PAGE.read_text(encoding="utf-8")
TOLD = {"issuer": "http://localhost:8100", "sample": "http://localhost:8101"}


def test_the_steps_are_printed_with_the_addresses_as_they_are_here() -> None:
    steps = list(tour.steps(TOLD))

    assert [s.partition(".")[0] for s in steps if s[:1].isdigit()] == [str(n) for n in range(1, 11)]
    assert not re.search(r"8000|8001|[*`]", "".join(steps))
    assert all(len(step) <= 160 for step in steps)


def test_without_its_page_there_is_no_tour(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package has no docs."""
    monkeypatch.setattr(tour, "PAGE", files.ROOT / "docs" / "no-such-page.md")

    assert list(tour.steps(TOLD)) == []


def test_everybody_on_the_tour_is_there() -> None:
    people = {line["national_id"] for line in files.lines("citizens.jsonl")}
    staff = {member["username"] for member in files.read("staff.json")}

    assert set(re.findall(r"\b[0-9]{12}\b", TEXT)) <= people
    assert set(re.findall(r"\b[a-z]+\.(?:giamsat|thanhtra|vanhanh|motcua)\b", TEXT)) <= staff


def test_every_address_of_the_tour_is_a_page(app: Flask) -> None:
    pages = app.url_map.bind("localhost:8000")

    found = {urlsplit(url).path for url in re.findall(r"http://localhost:8000(/[a-z/-]+)", TEXT)}

    assert len(found) >= 5
    assert all(pages.test(path, method="GET") for path in found)
