"""docs/conformance.md: each section names a file that exists and a test that exists."""

import re
from functools import cache

from tests.databases import ROOT


@cache
def rows() -> list[list[str]]:
    """Section, file, test of every line."""
    text = (ROOT / "docs" / "conformance.md").read_text()
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
