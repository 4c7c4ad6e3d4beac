"""The certification plans of RP-initiated and back-channel logout, where no other file has them.

Each test is one module of the plans in words; `test_rp_initiated_logout.py` and
`test_backchannel_logout.py` hold the others.
"""

from urllib.parse import parse_qs

import jwt
import pytest

from identity import outbox
from identity.signing import keys
from tests.asking import a_sender, answered, is_refused_here, signed_in
from tests.people import lan
from tests.signing_out import BYE, ask, confirm
from tests.strangers import listening, says

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


def test_the_endpoint_is_published(client):
    """Module: discovery endpoint verification."""
    told = client.get("/.well-known/openid-configuration").json

    assert told["end_session_endpoint"].endswith("/end-session")


def test_without_state_none_comes_back(office, client, hint):
    """Module: no state."""
    done = confirm(client, ask(client, id_token_hint=hint, post_logout_redirect_uri=BYE))

    assert (done.status_code, done.location) == (303, BYE)
    assert not is_signed_in(office)


@pytest.mark.usefixtures("hint")
def test_with_a_state_alone_the_person_ends_on_our_page(office, client):
    """Module: only state."""
    done = confirm(client, ask(client, state="s-1"))

    assert done.location == "/sign-out"
    assert not is_signed_in(office)


@pytest.mark.parametrize("more", [{}, {"state": "s-1"}])
def test_without_an_address_the_person_ends_on_our_page(office, client, hint, more):
    """Module: no post_logout_redirect_uri."""
    done = confirm(client, ask(client, id_token_hint=hint, **more))

    assert done.location == "/sign-out"
    assert not is_signed_in(office)


@pytest.mark.usefixtures("hint")
def test_without_a_hint_the_person_is_signed_out_and_not_led_away(office, client):
    """Module: no id_token_hint."""
    done = confirm(client, ask(client, post_logout_redirect_uri=BYE, state="s-1"))

    assert done.location == "/sign-out"
    assert not is_signed_in(office)


def test_a_query_added_to_the_address_is_another_address(office, client, hint):
    """Module: query added to post_logout_redirect_uri."""
    page = ask(client, id_token_hint=hint, post_logout_redirect_uri=BYE + "?extra=1")

    assert is_refused_here(page)
    assert is_signed_in(office)


def test_a_hint_signed_by_somebody_else_is_refused(office, client, hint):
    """Modules: bad and modified id_token_hint."""
    head, body, signature = hint.split(".")
    other = jwt.encode({"iss": "https://evil.test", "aud": "x", "sub": "y"}, "k" * 32)
    changed = signature[:-2] + ("AA" if signature[-2:] != "AA" else "BA")

    for told in (other, f"{head}.{body}.{changed}"):
        page = ask(client, id_token_hint=told, post_logout_redirect_uri=BYE, state="s-1")
        assert is_refused_here(page)
    assert is_signed_in(office)


def test_a_sign_out_by_the_service_reaches_its_back_channel(client):
    """Module: back-channel RP-initiated logout."""
    with listening(says(b"")) as receiver:
        office = a_sender(
            client,
            post_logout_redirect_uris=[BYE],
            backchannel_logout_uri=f"http://127.0.0.1:{receiver.port}/",
            backchannel_logout_session_required=True,
        )
        signed_in(client, lan())
        hint = office.redeem(answered(office.ask())["code"]).json["id_token"]
        told = {"id_token_hint": hint, "post_logout_redirect_uri": BYE, "state": "s-1"}

        done = confirm(client, ask(client, **told))
        outbox.deliver(at_most=200)

        ((_, _, _, body),) = receiver.requests
    (token,) = parse_qs(body.decode())["logout_token"]
    said = keys.read_signed(token, typ=keys.LOGOUT_TOKEN, algorithms=("ES256",))
    signed = jwt.decode(hint, options={"verify_signature": False})
    assert done.location == BYE + "?state=s-1"
    assert (said["sid"], said["sub"]) == (signed["sid"], signed["sub"])
