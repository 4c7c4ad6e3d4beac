"""Sign-out asked for by a public service: OpenID Connect RP-Initiated Logout 1.0 §2, §3."""

from datetime import timedelta

import jwt
import pytest
import time_machine

from identity import clock
from identity.registration.register import end
from tests.asking import a_sender, answered, is_refused_here, signed_in
from tests.people import form_token, lan
from tests.signing_out import BYE, ask, confirm

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def office(client):
    return a_sender(client, post_logout_redirect_uris=[BYE])


@pytest.fixture
def hint(office, client):
    signed_in(client, lan())
    return office.redeem(answered(office.ask())["code"]).json["id_token"]


def is_signed_in(office):
    return "code" in answered(office.ask(prompt="none"))


def test_the_person_confirms_and_goes_back_with_state(office, client, hint):
    """§2, §3."""
    page = ask(client, id_token_hint=hint, post_logout_redirect_uri=BYE, state="s 1")

    done = confirm(client, page)

    assert 'id="confirm-sign-out"' in page.text
    assert 'id="stay-signed-in"' in page.text
    assert (done.status_code, done.location) == (303, BYE + "?state=s+1")
    assert not is_signed_in(office)


def test_nobody_is_signed_out_before_the_person_says_so(office, client, hint):
    """§6: no link signs anybody out."""
    ask(client, id_token_hint=hint)

    assert is_signed_in(office)


def test_the_page_names_who_asks_and_may_lead_there(client, hint):
    """Design §8."""
    page = ask(client, id_token_hint=hint, post_logout_redirect_uri=BYE)

    assert "Cơ quan thuế" in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self' https://bye.motlan.test" in policy


def test_an_old_hint_is_as_good_as_a_new_one(client, hint):
    """§2: whose exp has passed."""
    with time_machine.travel(clock.now() + timedelta(minutes=20)):
        page = ask(client, id_token_hint=hint, post_logout_redirect_uri=BYE)

    assert 'id="confirm-sign-out"' in page.text


@pytest.mark.usefixtures("hint")
def test_without_parameters_the_person_ends_on_our_page(office, client):
    """§2: every parameter is optional."""
    done = confirm(client, ask(client))

    assert done.location == "/sign-out"
    assert not is_signed_in(office)


def test_a_form_of_another_site_leads_to_the_same_page(client, hint):
    """§2: GET and POST; the token does not reach an address."""
    told = {"id_token_hint": hint, "post_logout_redirect_uri": BYE}
    posted = client.post("/end-session", data=told, headers={"Origin": "https://bye.motlan.test"})

    page = client.get(posted.location)

    assert posted.status_code == 303
    assert hint not in posted.location
    assert confirm(client, page).location == BYE


def test_state_goes_behind_what_the_address_has_already(client):
    """§3."""
    place = BYE + "?lang=vi"
    office = a_sender(client, post_logout_redirect_uris=[place])
    signed_in(client, lan())
    told = office.redeem(answered(office.ask())["code"]).json["id_token"]

    page = ask(client, id_token_hint=told, post_logout_redirect_uri=place, state="s")

    assert confirm(client, page).location == place + "&state=s"


def test_who_is_not_signed_in_goes_straight_back(hint, app):
    """§2: nothing is left to confirm."""
    answer = ask(app.test_client(), id_token_hint=hint, post_logout_redirect_uri=BYE, state="x")

    assert (answer.status_code, answer.location) == (303, BYE + "?state=x")


@pytest.mark.usefixtures("hint")
def test_tokens_of_the_session_are_dead_afterwards(office, client):
    """Design §3: sign-out ends the families of that session."""
    token = office.redeem(answered(office.ask())["code"]).json["access_token"]

    confirm(client, ask(client))

    answer = client.get("/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


class TestAttacker:
    @pytest.mark.parametrize(
        "uri", [BYE + "/", BYE + "?x=1", BYE[:-1], "https://evil.test/", "javascript:alert(1)", "x"]
    )
    def test_an_address_that_is_not_registered_leads_nowhere(self, client, hint, uri):
        """Security case 42."""
        assert is_refused_here(ask(client, id_token_hint=hint, post_logout_redirect_uri=uri))

    @pytest.mark.usefixtures("hint")
    def test_without_a_hint_nobody_is_led_away(self, office, client):
        """Security case 42."""
        told = {"client_id": office.played.client_id, "post_logout_redirect_uri": BYE}

        assert confirm(client, ask(client, **told)).location == "/sign-out"

    def test_a_changed_hint_leads_nowhere(self, client, hint):
        """Security case 42."""
        head, body, _ = hint.split(".")
        forged = jwt.encode({"aud": "x", "sub": "y"}, None, algorithm="none")

        for told in (f"{head}.{body}.AAAA", forged, "x", [hint, hint]):
            page = ask(client, id_token_hint=told, post_logout_redirect_uri=BYE)
            assert is_refused_here(page)

    def test_another_services_hint_leads_nowhere(self, client, hint):
        """Security case 42."""
        other = a_sender(client, post_logout_redirect_uris=["https://other.motlan.test/"])

        page = ask(client, id_token_hint=hint, client_id=other.played.client_id)
        led = ask(client, id_token_hint=hint, post_logout_redirect_uri="https://other.motlan.test/")

        assert is_refused_here(page)
        assert is_refused_here(led)

    def test_a_service_that_has_ended_leads_nobody_on(self, office, client, hint):
        end(office.service.client_id)

        assert is_refused_here(ask(client, id_token_hint=hint, post_logout_redirect_uri=BYE))

    @pytest.mark.usefixtures("hint")
    def test_an_access_token_is_no_hint(self, office, client):
        """Security case 29."""
        token = office.redeem(answered(office.ask())["code"]).json["access_token"]

        assert is_refused_here(ask(client, id_token_hint=token))

    def test_nobody_confirms_for_the_person(self, office, client, hint):
        """Security case 13: a form of another site, and one with an invented way back."""
        page = ask(client, id_token_hint=hint)
        sealed = page.text.split('name="sign_out" value="')[1].split('"')[0]
        evil = {"Origin": "https://evil.test"}
        told = {"csrf_token": form_token(page), "sign_out": sealed}

        crossed = client.post("/end-session/confirm", data=told, headers=evil)
        invented = client.post("/end-session/confirm", data=told | {"sign_out": "x"})

        assert crossed.status_code == 403
        assert is_refused_here(invented)
        assert is_signed_in(office)
