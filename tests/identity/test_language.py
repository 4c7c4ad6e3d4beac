"""Which language a page speaks, and that the switch leads back to the page and what waits there."""

import html
import re

import pytest
from flask import g

from identity import language
from tests.forms import a_visitor
from tests.people import form_token, lan, sign_in

pytestmark = pytest.mark.usefixtures("app")
# Pages that take a form and show none themselves: they end with a redirect.
A_UUID = "01a20261-8011-779d-8a7b-a58eff4403a0"
ONLY_POSTED = {
    "/staff/sign-out": "/staff",
    "/end-session/confirm": "/end-session",
    "/audit/searches": "/audit",
}


@pytest.mark.parametrize(
    ("wished", "spoken"),
    [
        ("en", "en"),
        ("vi en", "vi"),
        ("fr en vi", "en"),  # the first that is spoken here, not the first of the list
        ("fr-CA de", "vi"),  # none of them: the browser's
        ("en-GB vi", "en"),  # RFC 4647 §3.4: a wider tag fits
        ("VI-VN en", "vi"),  # letter case says nothing
        ("enx vi", "vi"),  # another language that begins alike
        ("* en", "en"),
        ("", "vi"),
    ],
)
def test_the_first_language_of_the_list_that_is_spoken_here(app, wished, spoken):
    """OIDC Core §3.1.2.1, `ui_locales`: in the order of preference."""
    with app.test_request_context("/", headers={"Accept-Language": "vi"}):
        g.ui_locales = tuple(wished.split())

        assert language.chosen() == spoken


def test_the_person_s_own_choice_comes_before_the_service_s(app):
    with app.test_request_context("/", headers={"Cookie": "motlan-language=vi"}):
        g.ui_locales = ("en",)

        assert language.chosen() == "vi"


def switch(page):
    """The link that speaks the other language."""
    found = re.search(r'href="(/language\?[^"]+)"', page.text)
    assert found is not None
    return html.unescape(found[1])


def test_the_switch_leads_back_to_the_same_request(app):
    """The waiting request stands in the address, and goes along."""
    client = a_visitor(app.test_client(), "vi")
    place = "/sign-in?next=/my/access%3Fbefore%3D7"
    page = client.get(place)

    told = client.get(switch(page))

    assert (told.status_code, told.location) == (303, place)
    assert re.search(r'<html[^>]* lang="en"', client.get(told.location).text)


def test_after_a_wrong_form_the_switch_still_finds_its_page(app):
    """A page that a POST showed has an address that a GET shows too."""
    client = a_visitor(app.test_client(), "vi")
    place = "/sign-in?next=/my/consents"
    token = form_token(client.get(place))
    wrong = client.post(place, data={"csrf_token": token, "national_id": "12", "password": "p"})
    assert wrong.status_code == 400

    told = client.get(switch(wrong))

    assert told.location == place
    assert client.get(told.location).status_code == 200


def test_after_a_form_that_was_refused_the_switch_leads_to_a_page(app, client):
    """Some addresses only take forms: a link to one of them would be a 405."""
    doors = {path for _method, path in app.extensions["motlan.doors"]}
    methods: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        methods.setdefault(rule.rule, set()).update(rule.methods)

    posted = {path for path, known in methods.items() if "POST" in known and path not in doors}

    led = {}
    for path in (path for path in posted if "GET" not in methods[path]):
        told = client.get(
            "/language", query_string={"to": "en", "back": re.sub("<.*?>", A_UUID, path)}
        )
        led[path] = told.location
    assert ONLY_POSTED.items() <= led.items()
    for place in led.values():
        assert "GET" in app.url_map.bind("localhost").allowed_methods(place), place


class TestAttacker:
    """The way back is a page of ours, and the choice is one of two."""

    @pytest.mark.parametrize(
        "back",
        [
            *(
                "https://evil.test/",
                "//evil.test",
                "/\\evil.test",
                "evil",
                "javascript:alert(1)",
                "",
            ),
            *("//[", "/\r\nSet-Cookie: a=b", "/my\x00", "/\t/evil.test"),
        ],
    )
    def test_it_leads_nowhere_else(self, client, back):
        told = client.get("/language", query_string={"to": "en", "back": back})

        assert told.location == "/"

    @pytest.mark.parametrize("to", ["fr", "en;Domain=evil.test", "../vi", ""])
    def test_only_a_language_of_ours_is_kept(self, client, to):
        told = client.get("/language", query_string={"to": to, "back": "/my"})

        assert "motlan-language" not in "".join(told.headers.getlist("Set-Cookie"))

    def test_the_switch_ends_no_session(self, client):
        sign_in(client, lan())

        client.get("/language?to=en&back=/my")

        assert client.get("/my").status_code == 200
