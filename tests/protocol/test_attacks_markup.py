"""Markup in every name that others choose, on every page that shows it (case 61)."""

import html
import re

import pytest
from flask import Flask

from identity.registration.register import BadRegistrationError, register
from tests.asking import a_sender, signed_in
from tests.deciding import CONSENT, LAW, an_asking_service, detail, words
from tests.deciding import signed_in as a_citizen
from tests.exchange import ask, decision, give, publish_catalogues
from tests.people import a_security_officer, lan, sign_in_officer, submit
from tests.public_services import registration

pytestmark = pytest.mark.usefixtures("app")

TAG = "<script>alert(7)</script>\"'><img src=x onerror=alert(7)>{{'zq'*3}}"
NAMES = {"client_name": f"N{TAG}", "client_name#vi": f"V{TAG}", "client_name#en": f"E{TAG}"}
ORGANISATION = {"name": f"O{TAG}", "code": "T.MARKUP", "level": "province", "block": "government"}
BYE = "https://bye.motlan.test/signed-out"


@pytest.fixture(scope="module", autouse=True)
def catalogues(app: Flask) -> None:
    del app
    publish_catalogues()


def is_text(page, *letters):
    """Nothing of it became markup, and each of the names is there to be read as it was written."""
    assert page.status_code in {200, 400}, page.text
    tags = re.findall(r"<[^>]*>", page.text)
    assert not [tag for tag in tags if "alert(7)" in tag or "onerror" in tag]
    assert "<script" not in page.text
    assert "zqzqzq" not in page.text
    said = html.unescape(page.text)
    assert all(f"{letter}{TAG}" in said for letter in letters), page.text
    return True


class TestAttacker:
    @pytest.mark.parametrize(("language", "letter"), [("vi", "V"), ("en", "E")])
    def test_names_of_a_service_are_text_on_every_page_of_the_citizen(
        self, client, language, letter
    ):
        """Sign-in, decision, objection, what was decided, who looked, withdrawal, sign-out."""
        client.get(f"/language?to={language}&back=/sign-in")
        service = an_asking_service(
            **NAMES, organisation=ORGANISATION, post_logout_redirect_uris=[BYE]
        )
        sender = a_sender(client, **NAMES, organisation=ORGANISATION)
        signing_in = client.get(sender.ask().location)
        assert is_text(signing_in)
        her = a_citizen(client, lan())

        for procedure in ("1.004222", CONSENT, LAW):
            page = her.is_asked(service, detail("full_name", procedure=procedure))
            assert is_text(page.get(), "O")
            assert is_text(client.get(f"{page.path}/object"))
            ticked = re.findall(r'name="purpose"[^>]* value="([^"]+)"', page.get().text)
            assert page.allow(purpose=ticked).status_code == 303
        told = page.redeem(service)
        given = {"Authorization": f"Bearer {told['access_token']}"}
        assert client.post("/api/attributes", json={}, headers=given).status_code == 200

        assert is_text(client.get("/my"))
        assert is_text(client.get("/my/consents"), "O")
        for row in her.decisions():
            path = f"/my/consents/{row.decision_id}"
            assert is_text(client.get(path), "O")
            assert is_text(client.get(f"{path}/object"))
            if row.procedure != LAW:
                assert is_text(client.get(f"{path}/withdraw"))
        assert is_text(client.get("/my/access"), "O", letter)
        hint = {"id_token_hint": told["id_token"], "post_logout_redirect_uri": BYE}
        assert is_text(client.get("/end-session", query_string=hint))

    def test_names_of_a_service_and_of_a_unit_are_text_on_the_officers_pages(self, app, client):
        service = an_asking_service(**NAMES, organisation=ORGANISATION)
        her = a_citizen(client, lan())
        ask(client, give(her.person, service, decision("full_name")))
        page = her.is_asked(service, detail("full_name"))
        told = submit(client, f"{page.path}/object", reason=f"R{TAG}")
        assert is_text(client.get(told.location))
        assert is_text(client.get("/my"))
        theirs = app.test_client()
        sign_in_officer(theirs, a_security_officer(unit=f"U{TAG}"))

        assert is_text(theirs.get("/audit/entries"), "O", "V")
        told = {"number": her.person.national_id, "case": f"C{TAG}", "reason": f"W{TAG}"}
        token = re.search(r'name="csrf_token" value="([^"]+)"', theirs.get("/audit/entries").text)
        found = theirs.post("/audit/entries", data=told | {"csrf_token": token[1]})
        assert found.status_code == 303, words(found)
        assert is_text(theirs.get(found.location), "O", "C")
        assert is_text(theirs.get(found.location), "O", "C", "W")
        # What the officer wrote is read by the person it is about.
        assert is_text(client.get("/my/access"), "O", "W")

    @pytest.mark.parametrize("name", ["state", "ui_locales", "error_description", "login_hint"])
    def test_what_a_request_says_is_text_wherever_it_is_repeated(self, client, name):
        sender = a_sender(client)

        for told in ({}, {"client_id": TAG}, {"redirect_uri": TAG}, {"scope": TAG}):
            answer = sender.ask(**{name: TAG} | told)
            assert "<script" not in answer.text
            if answer.status_code == 303 and answer.location.startswith("/"):
                assert is_text(client.get(answer.location))

    def test_a_state_of_markup_comes_back_as_it_was_and_leads_nowhere_else(self, client):
        sender = a_sender(client)
        sender.state = TAG
        signed_in(client, lan())

        answer = sender.ask()

        assert answer.location.startswith(sender.redirect_uri + "?")
        assert "<" not in answer.location
        assert "<script" not in answer.text

    @pytest.mark.parametrize("name", ["logo_uri", "client_uri", "policy_uri", "tos_uri"])
    @pytest.mark.parametrize(
        "uri", ["javascript:alert(7)", "data:text/html,x", "JaVaScRiPt:x", 'https://a.test/"><x']
    )
    def test_a_link_that_runs_is_not_registered(self, name, uri):
        with pytest.raises(BadRegistrationError, match=name):
            register([registration(**{name: uri})])
