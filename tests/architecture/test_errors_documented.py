"""docs/errors.md says what the code says: every refusal, with its status."""

import re

import pytest

from identity.errors import Refusal, family
from tests.databases import ROOT

pytestmark = pytest.mark.usefixtures("app")  # both halves are loaded, so the family is whole

ROW = re.compile(
    r"^\| `(?P<slug>[a-z-]+)` \| (?P<status>[^|]+) \| (?P<cause>[^|]+) \| (?P<fix>[^|]+) \|$"
)


def documented():
    """Slug → the statuses the page gives it."""
    lines = (ROOT / "docs" / "errors.md").read_text().splitlines()
    rows = [row for row in map(ROW.match, lines) if row]
    found = {row["slug"]: set(re.findall(r"\d{3}", row["status"])) for row in rows}
    assert len(found) == len(rows), "a slug stands twice"
    return found


def ours():
    """Every refusal of the packages; a test may have made some of its own."""
    return [kind for kind in family() if kind.__module__.startswith(("identity.", "consent."))]


def test_every_refusal_is_documented_with_its_status():
    """The contract: each slug in docs/errors.md with cause and fix."""
    page = documented()

    missing = [kind.slug for kind in ours() if str(kind.status) not in page.get(kind.slug, ())]

    assert missing == []


def test_no_documented_refusal_is_gone():
    """A page that promises errors nobody raises misleads."""
    assert set(documented()) - {kind.slug for kind in ours()} == set()


def test_every_refusal_has_a_title_of_its_own():
    """RFC 9457 §3.1.4: a summary of the kind of problem."""
    family_titles = {kind.slug: kind.title for kind in ours() if kind is not Refusal}

    assert all(family_titles.values())
    assert all(title[0].isupper() for title in family_titles.values())
