"""docs/conformance.md: each section names a file that exists and a test that exists."""

import re
from functools import cache

import pytest

from tests.databases import ROOT
from tests.sections import SECTIONS

PAGE = ROOT / "docs" / "conformance.md"


@cache
def rows() -> list[list[str]]:
    """Section, file, test of every line."""
    text = PAGE.read_text()
    cells = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [row for row in cells if row[0] not in {"section", "---"}]


def test_every_section_names_a_file_and_a_test():
    """And there are many."""
    assert len(rows()) > 50
    assert [row for row in rows() if len(row) != 3] == []


def test_every_file_exists():
    missing = [row[1] for row in rows() if not (ROOT / row[1].strip("`")).is_file()]

    assert missing == []


def test_every_test_exists():
    """By its name, or as a whole file."""
    written = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)\(", file.read_text())
    }
    named = [row[2].strip("`") for row in rows()]

    assert [n for n in named if n not in written and not (ROOT / n).is_file()] == []


def test_no_section_stands_twice():
    sections = [row[0] for row in rows()]

    assert sorted(set(sections)) == sorted(sections)


def told_of(place: str, specification: str) -> set[str]:
    """The sections of a specification that a cell or a line names."""
    name, _, rest = place.partition(" §")
    return set(re.findall(r"(?:^|§)([0-9][0-9.]*)", rest)) if name == specification else set()


@pytest.mark.parametrize("specification", SECTIONS)
def test_every_section_is_fulfilled_or_left_out_with_a_reason(specification):
    """The tables of contents, without what only speaks of others than the provider."""
    left_out = re.findall(r"^- \*\*(.+?)\*\*", PAGE.read_text(), re.MULTILINE)
    places = [row[0] for row in rows()] + left_out

    told = set().union(*(told_of(place, specification) for place in places))

    assert [one for one in SECTIONS[specification].split() if one not in told] == []


def test_nothing_is_left_out_without_a_reason():
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("- **")]

    assert lines
    assert [line for line in lines if len(line.partition("**: ")[2]) < len("Because.")] == []
