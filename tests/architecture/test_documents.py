"""Pages that promise to be complete are: settings and decisions; no link leads nowhere."""

import importlib
import pkgutil
import re
from functools import cache
from pathlib import Path

import consent
import identity
from identity import settings

DOCS = Path(__file__).resolve().parents[2] / "docs"


@cache
def load_everything() -> None:
    for half in (identity, consent):
        for module in pkgutil.walk_packages(half.__path__, f"{half.__name__}."):
            importlib.import_module(module.name)


def rows(page: str) -> dict[str, list[str]]:
    """The table rows of a page, by the name in backquotes in their first column."""
    found = {}
    for line in (DOCS / page).read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if match := re.fullmatch(r"\|?\s*`([^`]+)`", cells[0]):
            found[match[1]] = cells[1:]
    return found


def test_every_setting_is_on_its_page_and_no_other():
    assert {name for name in rows("settings.md") if name.startswith("MOTLAN_")} == settings.NAMES


def test_the_page_of_settings_tells_the_real_defaults(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = {name: cells[0].strip("`") for name, cells in rows("settings.md").items()}
    plain = {
        name: text
        for name, text in told.items()
        if text and not set(text) & {" ", "*"} and name != "MOTLAN_DATABASE_OWNER_URL"
    }

    assert len(plain) >= 10
    home = {"MOTLAN_HOME": str(tmp_path / "var")}
    plain = {name: text.replace("MOTLAN_HOME", home["MOTLAN_HOME"]) for name, text in plain.items()}
    assert settings.read(plain) == settings.read({})


def test_every_decision_is_in_the_index():
    records = {path.name for path in (DOCS / "decisions").glob("[0-9]*.md")}
    linked = set(re.findall(r"\]\(([0-9][^)]*\.md)\)", (DOCS / "decisions/README.md").read_text()))

    assert records == linked


def test_every_link_between_the_pages_leads_somewhere():
    pages = [*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")]
    broken = [
        f"{page.relative_to(DOCS.parent)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]

    assert len(pages) > 5
    assert not broken
