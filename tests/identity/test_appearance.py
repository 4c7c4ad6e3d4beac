"""The sheet under its name, the sandbox's band, what a page weighs, and the page of components."""

import gzip
import re
from dataclasses import replace

import pytest

from identity import appearance
from tests.markup import Markup
from tests.people import lan, sign_in

KILOBYTE = 1024
SHEET = re.compile(r'href="(/static/style\.[0-9a-f]{16}\.css)"')


def weight(answer) -> int:
    """What the answer weighs on the way; a page is packed by whoever stands before us."""
    packed = answer.headers.get("Content-Encoding") == "gzip"
    return len(answer.data) if packed else len(gzip.compress(answer.data))


def the_sheet(client, page):
    [path] = SHEET.findall(page.text)
    return client.get(path, headers={"Accept-Encoding": "gzip, br"})


def test_the_sheet_is_kept_for_a_year_because_its_name_tells_its_content(client):
    sheet = the_sheet(client, client.get("/sign-in"))

    assert sheet.status_code == 200
    assert sheet.mimetype == "text/css"
    assert sheet.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert gzip.decompress(sheet.data) == (appearance.FOLDER / "style.css").read_bytes()


def test_who_cannot_unpack_gets_the_sheet_as_it_is(client):
    plain = client.get(f"/static/{appearance.sheet().name}", headers={"Accept-Encoding": "br"})

    assert "Content-Encoding" not in plain.headers
    assert plain.headers["Vary"] == "Accept-Encoding"
    assert plain.data == (appearance.FOLDER / "style.css").read_bytes()


def test_the_mark_is_a_picture(client):
    [path] = re.findall(r'rel="icon" href="([^"]+)"', client.get("/sign-in").text)
    mark = client.get(path, buffered=True)

    assert (mark.status_code, mark.mimetype) == (200, "image/svg+xml")
    assert mark.headers["Cache-Control"] == "public, max-age=86400"


def test_sign_in_with_its_sheet_is_light(client):
    """consent-and-pages §6, goal 1."""
    page = client.get("/sign-in")

    assert weight(page) + weight(the_sheet(client, page)) < 25 * KILOBYTE


def test_every_page_is_light_at_first_and_lighter_again(app, client):
    """50 kB with all it asks for, 10 kB once the sheet is there. No script, nobody else's file."""
    sign_in(client, lan())
    pages = {}
    for rule in app.url_map.iter_rules():
        if "GET" in rule.methods and not rule.arguments and rule.rule not in {"/", "/sign-in/code"}:
            answer = client.get(rule.rule)
            if answer.mimetype == "text/html" and answer.status_code == 200:
                pages[rule.rule] = answer
    files = weight(the_sheet(client, pages["/my"])) + weight(
        client.get("/static/mark.svg", buffered=True)
    )

    assert {"/my", "/my/consents", "/docs", "/design"} <= set(pages)
    assert {path for path, page in pages.items() if weight(page) >= 10 * KILOBYTE} == set()
    assert {path for path, page in pages.items() if weight(page) + files >= 50 * KILOBYTE} == set()
    for path, page in pages.items():
        assert asked_for(page) == {f"/static/{appearance.sheet().name}", "/static/mark.svg"}, path


def asked_for(page) -> set[str]:
    markup = Markup(page.text)
    assert not re.search(r"<(script|img|iframe|object|embed|style)\b|\sstyle=", page.text)
    return {element["href"] for element in markup.all("link")}


def test_a_sandbox_says_so_on_every_page(client, another_app, settings):
    """consent-and-pages §8.1: nobody may take invented people for real ones, nor the reverse."""
    paths = ("/sign-in", "/docs", "/nothing-here")
    said = [client.get(path).text for path in paths]
    elsewhere = another_app(replace(settings, demo=False)).test_client()

    assert all('"govuk-phase-banner govuk-width-container sandbox"' in text for text in said)
    assert not [path for path in paths if "sandbox" in elsewhere.get(path).text]


def test_the_page_of_components_shows_every_macro(client):
    """Whoever adds a component adds it there."""
    page = client.get("/design").text
    templates = appearance.FOLDER.with_name("templates")
    shown = "".join(path.read_text("utf-8") for path in (templates / "design").glob("*.html"))
    for file in ("shapes", "parts"):
        text = (templates / f"{file}.html").read_text("utf-8")
        macros = set(re.findall(r"{% macro (\w+)", text)) - {"token"}
        assert {name for name in macros if f"{file}.{name}(" not in shown} == set()
    for basis in ("request", "consent", "law", "mandate"):
        assert f'class="basis basis-{basis}"' in page
    assert page.count("ỨNG DỤNG – Nguyễn Thị Ngọc Huyền – ẶỮỘ") > 20


def test_no_id_stands_twice_on_it(client):
    ids = re.findall(r'\sid="([^"]+)"', client.get("/design").text)

    assert len(ids) == len(set(ids)) > 20


ELSEWHERE = [
    "/static/style.0000000000000000.css",
    "/static/",
    "/static/../pages.py",
    "/static/%2e%2e/pages.py",
]


class TestAttacker:
    def test_outside_a_sandbox_there_is_no_such_page(self, another_app, settings):
        house = another_app(replace(settings, demo=False)).test_client()

        assert house.get("/design").status_code == 404

    @pytest.mark.parametrize("path", ELSEWHERE)
    def test_nothing_else_is_served_from_the_folder(self, client, path):
        answer = client.get(path)

        assert answer.status_code == 404
        assert "immutable" not in answer.headers.get("Cache-Control", "")

    def test_the_page_of_components_takes_nothing(self, client):
        assert client.post("/design", data={"plain": "x"}).status_code in {403, 405}

    def test_what_is_sent_to_it_is_not_said_again(self, client):
        """Its forms lead to itself and are read by nobody."""
        page = client.get("/design?plain=<b>zebra</b>&one=zebra").text

        assert "<b>zebra" not in page
        head = page.split("</header>")[0]
        assert page.count("zebra") == head.count("zebra") == 2  # the other language comes back here
