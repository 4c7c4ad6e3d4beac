"""The committed sheet is what `make design` makes of its sources, and keeps its promises."""

import hashlib
import re

import pytest

from tests.databases import ROOT

SHEET = ROOT / "identity" / "static" / "style.css"
DESIGN = ROOT / "design"
HEAD = re.compile(r"/\*! .*? Sources ([0-9a-f]{64}), body ([0-9a-f]{64})\..*?\*/\n", re.DOTALL)
PAIR = re.compile(r'"([a-z-]+)": \((#[0-9a-f]{6}), (#[0-9a-f]{6})\)')
LEAST = 7  # WCAG 2.2 §1.4.6, more than §1.4.3 asks for
BODY = "body-background"
GROUNDS = {
    BODY: ("text", "secondary-text", "link", "link-visited", "link-hover", "error", "success"),
    "surface-background": ("surface-text", "secondary-text", "link", "link-hover"),
    "brand": ("inverse-text",),
    "link-hover": ("inverse-text",),
    "focus": ("focus-text",),
    "field": ("text",),
    "error-ground": ("error", "text"),
    "request-ground": ("request", "text"),
    "consent-ground": ("consent", "text"),
    "law-ground": ("law", "text"),
    "mandate-ground": ("mandate", "text"),
}
LINES = ("input-border", "brand", "request", "consent", "law", "mandate", "error", "success")


def sources() -> str:
    names = [*DESIGN.glob("*.scss"), DESIGN / "compile.js", DESIGN / "package-lock.json"]
    content = b"".join(path.read_bytes() for path in sorted(names, key=lambda path: path.name))
    return hashlib.sha256(content).hexdigest()


def tokens(scheme: int) -> dict[str, str]:
    told = (DESIGN / "_tokens.scss").read_text(encoding="utf-8")
    return {match[0]: match[1 + scheme] for match in PAIR.findall(told)}


def light(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((light(one), light(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_sheet_comes_from_these_very_sources():
    """`make design` was run after the last change, and nobody wrote into what it made."""
    text = SHEET.read_text(encoding="utf-8")
    head = HEAD.match(text)

    assert head
    assert head[1] == sources(), "run `make design`"
    assert head[2] == hashlib.sha256(text[head.end() :].encode()).hexdigest()


def test_the_sheet_asks_for_nothing():
    """No font, no picture, no other sheet: one file is the whole look."""
    text = SHEET.read_text(encoding="utf-8")

    assert len(text) > 20_000
    assert not re.findall(r"@import|@font-face|url\(", text)


def test_the_sheet_is_not_another_governments():
    """Their typeface, crown and header stay theirs."""
    text = SHEET.read_text(encoding="utf-8").lower()

    assert not re.findall(r"gds transport|crown[^ ]|govuk-header|govuk-footer", text)


def test_no_word_is_set_in_capitals():
    """consent-and-pages §6: stacked marks make capitals unreadable."""
    assert "text-transform" not in SHEET.read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_keeps_its_contrast(scheme):
    """Every colour of text on every ground that it stands on."""
    colour = tokens(scheme)
    found = {
        (text, ground): round(contrast(colour[text], colour[ground]), 2)
        for ground, texts in GROUNDS.items()
        for text in texts
    }

    assert {pair: value for pair, value in found.items() if value < LEAST} == {}


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_lines_that_mean_something_are_seen(scheme):
    """WCAG 2.2 §1.4.11: edges of fields and bars, 3:1; white words on the head and its band."""
    colour = tokens(scheme)

    assert [name for name in LINES if contrast(colour[name], colour[BODY]) < 3] == []
    assert contrast("#ffffff", colour["head"]) >= LEAST
    assert contrast("#ffffff", colour["sandbox"]) >= LEAST


def test_the_measure_is_the_known_one():
    """Otherwise the two above could praise anything."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
