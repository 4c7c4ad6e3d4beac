"""Entry types: each one that docs/interfaces.md says is written, a test has seen in the log."""

import re

from tests.databases import ROOT

ROW = re.compile(r"^\| ((?:`[a-z_]+:[a-z_]+`(?:, )?)+) \| (.+) \|$", re.MULTILINE)
RESERVED = "nothing writes them yet"


def written() -> set[str]:
    """The types on the page, but for the names that are only kept."""
    page = (ROOT / "docs" / "interfaces.md").read_text()
    rows = [types for types, when in ROW.findall(page) if RESERVED not in when]
    return {name for types in rows for name in re.findall(r"`([a-z_:]+)`", types)}


def test_every_type_is_looked_for_by_a_test():
    """In the suite's own words, this folder apart."""
    said = "".join(
        file.read_text()
        for folder in ("identity", "consent", "protocol", "journeys")
        for file in (ROOT / "tests" / folder).rglob("*.py")
    )

    assert len(written()) >= 15
    assert {name for name in written() if f'"{name}"' not in said} == set()
