"""docs/law.md: the 28 rules, each with tests that exist or the part that it waits for."""

import re
from functools import cache

from tests.databases import ROOT

PAGE = (ROOT / "docs" / "law.md").read_text(encoding="utf-8")
RULES = 28
STATES = re.compile(r"(holds|in part: .{10,}|waits: .{5,}|holds(;| for) .{10,})")


def rows() -> dict[int, list[str]]:
    """Number → rule, what is done, tests, state."""
    found = {}
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if cells[0].isdecimal():
            found[int(cells[0])] = cells[1:]
    return found


@cache
def written() -> frozenset[str]:
    """Every test of the suite."""
    files = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    return frozenset(name for text in files for name in re.findall(r"def (test_\w+)\(", text))


def test_every_rule_has_its_line():
    assert list(rows()) == list(range(1, RULES + 1))
    assert {len(cells) for cells in rows().values()} == {4}


def test_every_rule_says_where_it_stands():
    """Held, or what is missing and which part brings it: nothing else is an answer."""
    assert [n for n, cells in rows().items() if not STATES.fullmatch(cells[3])] == []


def test_what_holds_is_shown_by_a_test():
    """Whatever is claimed, in part or whole, has a test; what is not built claims none."""
    bare = {n for n, cells in rows().items() if "`test_" not in cells[2]}

    assert all(rows()[n][3].startswith("waits: ") for n in bare)
    assert all(rows()[n][2] == "none" for n in bare)


def test_every_test_it_names_exists():
    named = set(re.findall(r"`(test_\w+)`", PAGE))

    assert len(named) > 50
    assert named - written() == set()


def test_every_file_it_names_exists():
    named = set(re.findall(r"`((?:consent|identity|docs)/[\w/.]+)`", PAGE))

    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []
