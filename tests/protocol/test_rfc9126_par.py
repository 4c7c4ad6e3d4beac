"""Pushed authorization requests, RFC 9126."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from identity import clock, database
from identity.granted.records import AuthorizationCode
from identity.registration.register import register
from identity.requested.pushed import LIFETIME, PREFIX
from identity.requested.records import AuthorizationRequest, PushedRequest
from tests.asking import Sender, a_sender, answered, is_refused_here, signed_in, waiting
from tests.at_once import at_once
from tests.people import lan, sign_in
from tests.public_services import a_service, registration
from tests.pushing import bring, push, pushed

pytestmark = pytest.mark.usefixtures("app")


UNREACHABLE = '{"id_token": {"acr": {"essential": true, "value": "vn:auth:4"}}}'


@pytest.fixture
def office(client):
    return a_sender(client)


def kept_of(office, table=PushedRequest):
    return database.rows(select(table).where(table.public_service_id == office.service.id))


def test_a_pushed_request_is_answered_by_its_reference(office, client):
    """RFC 9126 §2.2, §4."""
    answer = push(office)

    assert answer.status_code == 201
    assert answer.json.keys() == {"request_uri", "expires_in"}
    assert answer.json["request_uri"].startswith(PREFIX)
    assert 5 <= answer.json["expires_in"] <= 60
    assert answer.headers["Cache-Control"] == "no-store"

    signed_in(client, lan())
    told = answered(bring(office, answer.json["request_uri"]))

    assert told["state"] == office.state
    assert office.redeem(told["code"]).status_code == 200


def test_a_reference_cannot_be_guessed_and_is_not_kept(office):
    """RFC 9126 §7.1: 256 random bits, of which the digest alone is stored."""
    first, second = pushed(office), pushed(office)

    assert first != second
    assert len(first.removeprefix(PREFIX)) >= 43
    assert first.removeprefix(PREFIX) not in repr(kept_of(office))


def test_what_was_pushed_counts_and_nothing_beside_the_reference(office, client):
    """RFC 9101 §5, RFC 9126 §4: the browser's own state, scope and address are not looked at."""
    signed_in(client, lan())
    more = {"state": "theirs", "scope": "openid email", "redirect_uri": "https://evil.test/"}

    answer = bring(office, pushed(office), **more)

    assert answer.location.startswith(office.redirect_uri + "?")
    assert answered(answer)["state"] == office.state


def test_a_page_read_twice_costs_nothing_until_there_is_an_answer(office, client):
    """RFC 9126 §2.2; FAPI 2.0: a second load before the sign-in is complete succeeds."""
    reference = pushed(office)

    first, second = waiting(bring(office, reference)), waiting(bring(office, reference))

    sign_in(client, lan())
    assert "code" in answered(office.come_back(second))
    assert office.come_back(first).status_code == 409


def test_the_minute_is_for_the_first_look_and_not_for_the_person(office, client):
    """RFC 9126 §2.2: who is signing in has the ten minutes that everybody has."""
    request_id = waiting(bring(office, pushed(office)))

    with time_machine.travel(clock.now() + LIFETIME * 3, tick=True):
        sign_in(client, lan())
        assert "code" in answered(office.come_back(request_id))


def test_an_error_is_an_answer_too(office):
    """RFC 9126 §4: what was told once is not told again."""
    reference = pushed(office, prompt="none")

    assert answered(bring(office, reference))["error"] == "login_required"
    assert is_refused_here(bring(office, reference))


def test_a_form_of_another_site_may_carry_the_reference(office, client):
    """OIDC Core §3.1.2.1: POST, which is stored and opened by GET."""
    told = {"client_id": office.played.client_id, "request_uri": pushed(office)}
    signed_in(client, lan())

    moved = client.post("/authorize", data=told)

    assert "code" in answered(client.get(moved.location))


def test_the_same_rules_hold_as_at_authorize(office):
    """RFC 9126 §2.3: the errors of the authorization endpoint, as JSON."""
    for changed, error in (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"scope": "email"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"redirect_uri": "https://evil.test/"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"authorization_details": "{}"}, "invalid_authorization_details"),
        ({"request": "e30.e30."}, "invalid_request_object"),
        ({"claims": UNREACHABLE}, "unmet_authentication_requirements"),
        ({"state": ["a", "b"]}, "invalid_request"),
    ):
        answer = push(office, **changed)
        assert (answer.status_code, answer.json["error"]) == (400, error), changed
    assert not kept_of(office)


def test_who_has_proved_it_need_not_name_itself_again(office, client):
    """RFC 9126 §2: the reference is of whoever authenticated."""
    signed_in(client, lan())

    assert "code" in answered(bring(office, pushed(office, client_id=None)))


def test_a_public_service_pushes_by_its_name(client):
    """RFC 9126 §2: `none` is a method like the others, and PKCE protects the code."""
    office = Sender(client, a_service(token_endpoint_auth_method="none"))
    signed_in(client, lan())

    taken = client.post("/par", data=office.query())

    assert taken.status_code == 201
    assert "code" in answered(bring(office, taken.json["request_uri"]))


def test_who_registered_that_it_pushes_sends_no_other_request(client):
    """RFC 9126 §6; another service may."""
    office = a_sender(client, require_pushed_authorization_requests=True)
    signed_in(client, lan())

    assert office.error() == "invalid_request"
    assert "code" in answered(bring(office, pushed(office)))


def test_what_a_person_was_hinted_by_is_not_kept(office):
    """Invariant 4: a hint may be a personal number."""
    reference = pushed(office, login_hint="097052000011")
    bring(office, reference)

    assert "097052000011" not in repr([*kept_of(office), *kept_of(office, AuthorizationRequest)])


class TestAttacker:
    """Who sees a reference in a browser's history, or would rather write their own."""

    def test_a_reference_is_answered_once(self, office, client):
        """RFC 9126 §7.3."""
        signed_in(client, lan())
        reference = pushed(office)
        assert "code" in answered(bring(office, reference))

        assert is_refused_here(bring(office, reference))

    def test_of_two_browsers_at_once_one_is_answered(self, app, office):
        """Single use is one UPDATE, also between processes: each request has its own connection."""
        reference, people = pushed(office), [lan(), lan()]
        browsers = [app.test_client() for _ in people]
        for browser, person in zip(browsers, people, strict=True):
            signed_in(browser, person)
        senders = [Sender(browser, office.played) for browser in browsers]

        answers = at_once(lambda sender: bring(sender, reference), senders)

        assert sum(answer.status_code == 303 for answer in answers) == 1
        assert {answer.status_code for answer in answers} <= {303, 400, 409}
        whose = AuthorizationCode.citizen_id.in_([person.citizen_id for person in people])
        assert len(database.rows(select(AuthorizationCode.digest).where(whose))) == 1

    def test_a_late_reference_leads_nowhere(self, office, client):
        """RFC 9126 §7.4."""
        signed_in(client, lan())
        reference = pushed(office)

        with time_machine.travel(clock.now() + LIFETIME + timedelta(seconds=1), tick=True):
            assert is_refused_here(bring(office, reference))

    def test_another_services_reference_leads_nowhere_and_is_not_spent(self, office, client):
        """RFC 9126 §7.5: bound to whoever pushed it."""
        signed_in(client, lan())
        reference, other = pushed(office), a_sender(client)

        assert is_refused_here(bring(other, reference))
        assert is_refused_here(bring(office, reference, client_id=None))
        assert "code" in answered(bring(office, reference))

    def test_an_invented_reference_leads_nowhere(self, office):
        """RFC 9126 §7.1; anything that is not ours is refused by name, and nothing is fetched."""
        assert is_refused_here(bring(office, PREFIX + "A" * 43))
        foreign = office.query(request_uri="https://evil.test/request.jwt")
        assert answered(office.ask(**foreign))["error"] == "request_uri_not_supported"

    def test_what_was_pushed_before_a_change_is_judged_by_what_is_registered_now(self, office):
        """RFC 9126 §7.4: an address that was taken back gets nothing by an older push."""
        reference = pushed(office)
        told = registration(client_id=office.played.client_id)
        told["organisation"]["code"] = office.service.organisation.code
        register([told])

        assert is_refused_here(bring(office, reference))

    def test_two_references_are_none(self, office):
        """RFC 6749 §3.1."""
        both = f"request_uri={pushed(office)}&request_uri={pushed(office)}"

        answer = office.client.get(f"/authorize?client_id={office.played.client_id}&{both}")

        assert is_refused_here(answer)

    def test_who_does_not_prove_itself_pushes_nothing(self, office, client):
        """RFC 9126 §2: authenticated as at the token endpoint."""
        other = a_sender(client)

        for headers, form in (
            ({}, office.query()),
            (office.played.basic("x" * 20), office.query()),
            (other.played.basic(), office.query()),
        ):
            answer = client.post("/par", data=form, headers=headers)
            assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
        assert not kept_of(office)

    def test_a_push_takes_no_reference_and_no_second_value(self, office):
        """RFC 9126 §2.1."""
        assert push(office, request_uri=pushed(office)).json["error"] == "invalid_request"
        assert push(office, scope=["openid", "openid email"]).json["error"] == "invalid_request"
        assert push(office, nobody_knows_it=["1", "2"]).json["error"] == "invalid_request"

    def test_nothing_but_a_form_by_post_is_taken(self, office, client):
        """RFC 9126 §2.3: 405; a body of another kind 415, one too long 413."""
        basic = office.played.basic()

        assert client.get("/par", headers=basic).status_code == 405
        assert client.post("/par", json=office.query(), headers=basic).status_code == 415
        assert push(office, state="x" * 70_000).status_code == 413
