"""Every component as Chromium draws it: tone marks whole, nothing too wide, colours told apart."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page

from tests.drawing import HOUSE, drawn

# A page is the same on either database, so it is examined on one.
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.sqlite]

NARROW = {"width": 320, "height": 640}
TWICE = "html { font-size: 200% }"
SCHEMES = ("light", "dark")
WIDTH = "document.scrollingElement.scrollWidth"
# What a mark above or below a letter needs, against the line it stands in and whatever cuts it.
CUT = """() => { const pen = document.createElement("canvas").getContext("2d"), faults = [];
  for (const e of document.querySelectorAll(".hard")) {
    const s = getComputedStyle(e), name = `${e.tagName} ${e.className} ${s.fontSize}`;
    pen.font = `${s.fontWeight} ${s.fontSize} ${s.fontFamily}`;
    const text = e.value || e.textContent, ink = pen.measureText(text);
    const height = ink.actualBoundingBoxAscent + ink.actualBoundingBoxDescent;
    if (!(height > 0)) faults.push(`${name}: nothing to measure`);
    if (parseFloat(s.lineHeight) < height) faults.push(`${name}: ${s.lineHeight} for ${height}`);
    const inner = e.clientHeight - parseFloat(s.paddingTop) - parseFloat(s.paddingBottom);
    if (e.value && inner < height) faults.push(`${name}: field of ${inner} for ${height}`);
    const words = document.createRange(); words.selectNodeContents(e);
    for (const line of e.value ? [] : words.getClientRects()) {
      const base = line.top + ink.fontBoundingBoxAscent;
      const top = base - ink.actualBoundingBoxAscent, end = base + ink.actualBoundingBoxDescent;
      for (let box = e; box; box = box.parentElement) {
        const cut = getComputedStyle(box), b = box.getBoundingClientRect();
        if (cut.overflowY === "visible" || box === document.documentElement) continue;
        if (top < b.top || end > b.bottom) faults.push(`${name}: cut by ${box.tagName}`);
      } } }
  return faults; }"""
# Every piece of text on what really lies behind it; what is switched off is exempt (§1.4.3).
FAINT = """(least) => { const rgb = c => c.match(/[0-9.]+/g).map(Number), faults = new Set();
  const light = c => { const [r, g, b] = rgb(c).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e)
    .backgroundColor; if (rgb(c)[3] !== 0) return c; } return "rgb(255, 255, 255)"; };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walk.nextNode()) { const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !e.getClientRects().length) continue;
    if (e.closest(":disabled") || e.matches(":disabled + label")) continue;
    const a = light(getComputedStyle(e).color), b = light(ground(e)); seen += 1;
    const found = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (found < least) faults.add(`${found.toFixed(1)} ${e.outerHTML.slice(0, 90)}`); }
  return seen > 100 ? [...faults] : ["hardly any text"]; }"""
# Lines of text are 1.5 high, of headings and labels of buttons 1.3 (consent-and-pages §6).
TIGHT = """() => [...document.querySelectorAll("body *")].filter(e => {
  const s = getComputedStyle(e);
  const least = e.matches("p, li, dd, td, label, input, select, textarea") ? 1.5 : 1.3;
  return [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())
    && parseFloat(s.lineHeight) / parseFloat(s.fontSize) < least; }).map(e => e.outerHTML)"""
SMALL = """(least) => [...document.querySelectorAll(
  "button, input:not([type=hidden]), select, textarea, summary, a.button, nav a, .bottom a, .brand"
)].filter(e => { const b = e.getBoundingClientRect(); return b.height < least || b.width < 24; })
  .map(e => `${Math.round(e.getBoundingClientRect().height)} ${e.outerHTML.slice(0, 90)}`)"""
BASES = """() => [...document.querySelectorAll("section.basis")].map(e => {
  const s = getComputedStyle(e), title = e.querySelector("h2");
  return [s.borderLeftColor, title.innerText.trim(), title.querySelector("svg").innerHTML]; })"""


@pytest.fixture
def page(browser: Browser, app: Flask) -> Iterator[Page]:
    """A browser whose every request the house answers in this process."""
    with drawn(browser, app.test_client(), size=NARROW) as made:
        yield made


def opened(page: Page, *, scheme: str = "light", language: str = "vi") -> Page:
    page.emulate_media(color_scheme=scheme)
    page.set_extra_http_headers({"Accept-Encoding": "identity", "Accept-Language": language})
    page.goto(f"{HOUSE}/design")
    assert page.get_attribute("html", "lang") == language
    return page


def in_large_type(page: Page) -> None:
    page.add_style_tag(content=TWICE)
    assert page.evaluate("getComputedStyle(document.body).fontSize") == "36px"


def test_no_tone_mark_is_cut(page: Page) -> None:
    """Ặ, Ữ and Ộ in every component, at the size they are sent in and at twice that."""
    opened(page)
    assert page.locator(".hard").count() > 15
    assert page.evaluate("getComputedStyle(document.body).fontSize") == "18px"
    for _size in range(2):
        assert page.evaluate(CUT) == []
        assert page.evaluate(TIGHT) == []
        in_large_type(page)


def test_a_mark_that_is_cut_is_noticed(page: Page) -> None:
    """Otherwise the test above would praise anything."""
    opened(page)
    page.add_style_tag(content="p.hard { line-height: 1; height: 0.8em; overflow: hidden }")
    page.add_style_tag(content="input.hard { height: 1em !important; min-height: 0 !important }")
    faults = "\n".join(page.evaluate(CUT))
    assert "cut by P" in faults
    assert "INPUT hard" in faults
    assert "field of" in faults


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_longest_names_find_room_on_the_smallest_phone(page: Page, language: str) -> None:
    """WCAG 2.2 §1.4.10 and §1.4.4: 320 pixels, and text of twice the size."""
    opened(page, language=language)
    assert page.evaluate(WIDTH) == NARROW["width"]
    in_large_type(page)
    assert page.evaluate(WIDTH) == NARROW["width"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_component_is_seen_and_reached(page: Page, scheme: str) -> None:
    """Nothing for axe, text has 7:1 on its ground, what is pressed is 44 pixels high."""
    opened(page, scheme=scheme)
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"][:100] for node in one["nodes"]]) for one in found] == []
    assert page.evaluate(FAINT, 7) == []
    assert page.evaluate(SMALL, 44) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_four_screens_are_told_apart_without_colour_too(page: Page, scheme: str) -> None:
    """consent-and-pages §1: bar, word and icon, each another."""
    bars, words, icons = zip(*opened(page, scheme=scheme).evaluate(BASES), strict=True)
    assert len(bars) == len(set(bars)) == len(set(words)) == len(set(icons)) == 4


def test_focus_is_seen_on_everything_that_takes_it(page: Page) -> None:
    """WCAG 2.2 §2.4.7: resting and focused never look the same."""
    opened(page)
    look = """() => { const e = document.activeElement, t = e.matches(".choice input")
      ? e.nextElementSibling : e, s = getComputedStyle(t), b = getComputedStyle(t, "::before");
      return [e.outerHTML.slice(0, 80), s.outline, s.backgroundColor, s.boxShadow, s.borderColor,
        b.boxShadow, b.outline, s.position].join("|"); }"""
    focused: dict[str, str] = {}
    for _stop in range(90):
        page.keyboard.press("Tab")
        told = page.evaluate(look)
        if told.startswith("<body"):
            break
        resting = page.evaluate(f"""() => {{ const e = document.activeElement; e.blur();
          const was = document.activeElement; Object.defineProperty(document, "activeElement",
          {{configurable: true, get: () => e}}); const told = ({look})();
          delete document.activeElement; e.focus(); return told; }}""")
        assert told != resting, told
        focused[told] = resting
    assert len(focused) > 25


def test_paper_keeps_the_receipt_and_the_sandbox_and_nothing_to_press(page: Page) -> None:
    opened(page)
    page.emulate_media(media="print", color_scheme="light")
    for kept in (".receipt", ".brand", ".sandbox"):
        assert page.locator(kept).first.is_visible(), kept
    for gone in (".menu", ".languages", ".bottom", ".buttons", ".filters", ".govuk-pagination"):
        assert not page.locator(gone).first.is_visible(), gone
