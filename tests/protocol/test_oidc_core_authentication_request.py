"""The authentication request: OpenID Connect Core §3.1.2, §5.5; RP hints, prompt, max_age, acr."""

import json
import re
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta

import jwt
import pytest
import time_machine
from sqlalchemy import select

from identity import clock, database
from identity.authentication import sign_in as sign_in_verbs
from identity.granted import approval
from identity.granted.approval import Approved, Ask, Refused, StepUp
from identity.requested.records import AuthorizationRequest
from tests.asking import a_sender, answered, signed_in, waiting
from tests.people import lan, minh, sign_in

pytestmark = pytest.mark.usefixtures("app")


@dataclass
class Told:
    """An approval that answers what the test says, and remembers what it was asked."""

    verdict: object
    asked: object = None

    def check(self, details, scopes, *, of):
        """Anything may be asked."""

    def review(self, asked):
        self.asked = asked
        if isinstance(self.verdict, Exception):
            raise self.verdict
        if isinstance(self.verdict, Ask) and asked.request_id:
            return replace(self.verdict, path=f"/consent/{asked.request_id}")
        return self.verdict


@pytest.fixture
def office(client):
    return a_sender(client)


@pytest.fixture
def told():
    before = approval.asked()

    def join(verdict):
        made = Told(verdict)
        approval.join(made)
        return made

    yield join
    approval.join(before)


def id_token(office, code):
    bought = office.redeem(code)
    assert bought.status_code == 200, bought.json
    return bought.json["id_token"]


def claims_of(office, code):
    return jwt.decode(id_token(office, code), options={"verify_signature": False})


def after_sign_in(office, person, **changed):
    """The answer to a request that made the person sign in."""
    request_id = waiting(office.ask(**changed))
    done = sign_in(office.client, person, query=f"?request={request_id}")
    return office.client.get(done.location)


def test_the_id_token_says_what_was_asked_and_earned(office, client):
    """Core §2: nonce, auth_time, acr, amr."""
    signed_in(client, lan())

    claims = claims_of(office, answered(office.ask(nonce="n-" + "x" * 62))["code"])

    assert claims["nonce"] == "n-" + "x" * 62
    assert claims["acr"] == "vn:auth:2"
    assert claims["auth_time"] <= claims["iat"]


def test_one_person_is_the_same_to_one_service_and_another_to_the_next(office, client):
    """Core §8.1: pairwise, stored, random."""
    signed_in(client, lan())
    other = a_sender(client)

    here = [claims_of(office, answered(office.ask())["code"])["sub"] for _ in range(2)]
    there = claims_of(other, answered(other.ask())["code"])["sub"]

    assert here[0] == here[1]
    assert there != here[0]


def test_silence_is_kept_and_needs_a_session(office):
    """Core §3.1.2.6: login_required."""
    assert office.error(prompt="none") == "login_required"


def test_silence_with_a_session_gives_the_same_subject_and_auth_time(office, client):
    """Core §3.1.2.1, with id_token_hint."""
    signed_in(client, lan())
    first = id_token(office, answered(office.ask())["code"])

    again = claims_of(office, answered(office.ask(prompt="none", id_token_hint=first))["code"])

    before = jwt.decode(first, options={"verify_signature": False})
    assert (again["sub"], again["auth_time"]) == (before["sub"], before["auth_time"])


def test_silence_where_something_is_to_be_decided_is_consent_required(office, client, told):
    """Security case 44; Core §3.1.2.6."""
    signed_in(client, lan())
    told(Ask("/consent"))

    assert office.error(prompt="none") == "consent_required"


def test_what_is_to_be_decided_is_shown_on_the_consent_page(office, client, told):
    """Core §3.1.2.4: stored first, so that the page has something to show."""
    signed_in(client, lan())
    ledger = told(Ask("/consent"))

    request_id = waiting(office.ask(prompt="consent"), "/consent")

    assert ledger.asked.request_id.hex == request_id
    assert ledger.asked.must_ask


def test_a_no_goes_back_once(office, client, told):
    """RFC 6749 §4.1.2.1: access_denied."""
    signed_in(client, lan())
    ledger = told(Ask("/consent"))
    request_id = waiting(office.ask(), "/consent")
    ledger.verdict = Refused("the citizen did not allow it")

    first = answered(office.come_back(request_id))

    assert first["error"] == "access_denied"
    assert office.come_back(request_id).status_code == 409


@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent"])
def test_a_new_sign_in_is_asked_for_although_somebody_is_signed_in(office, client, prompt):
    """Security case 20; Core §3.1.2.3."""
    person = lan()
    signed_in(client, person)
    with time_machine.travel(clock.now() + timedelta(seconds=40)):
        answer = after_sign_in(office, person, prompt=prompt)

        claims = claims_of(office, answered(answer)["code"])
        assert claims["auth_time"] >= claims["iat"] - 5


def test_a_new_sign_in_is_asked_for_until_it_was_done(office, client):
    """Core §3.1.2.3: coming back without it changes nothing."""
    signed_in(client, lan())
    request_id = waiting(office.ask(prompt="login"))

    assert waiting(office.come_back(request_id)) == request_id


@pytest.mark.parametrize("prompt", ["none login", "anything", "create"])
def test_a_prompt_that_makes_no_sense_is_refused(office, prompt):
    """Core §3.1.2.1."""
    assert office.error(prompt=prompt) == "invalid_request"


def test_a_sign_in_older_than_max_age_is_done_again(office, client):
    """Core §3.1.2.1; reference/provider.md §6.2."""
    person = lan()
    signed_in(client, person)

    with time_machine.travel(clock.now() + timedelta(seconds=20)):
        assert "code" in answered(office.ask(max_age="10000"))
        assert "code" in answered(after_sign_in(office, person, max_age="1"))


def test_max_age_zero_means_now(office, client):
    """Security case 20: and the token says when."""
    person = lan()
    signed_in(client, person)

    with time_machine.travel(clock.now() + timedelta(seconds=40)):
        claims = claims_of(office, answered(after_sign_in(office, person, max_age="0"))["code"])
        assert claims["auth_time"] >= claims["iat"] - 5


@pytest.mark.parametrize("max_age", ["-1", "x", "1.5", "١", "1" * 11])
def test_a_max_age_that_is_no_number_is_refused(office, max_age):
    """reference/provider.md §3 row 16: garbage never passes."""
    assert office.error(max_age=max_age) == "invalid_request"


@pytest.mark.parametrize("acr", ["vn:auth:4", "vn:auth:2", "vn:auth:1", "urn:other", "vn:auth:9"])
def test_voluntary_levels_are_never_an_error_and_the_level_earned_is_told(office, client, acr):
    """Security case 19; Core §5.5.1.1."""
    signed_in(client, lan())

    assert claims_of(office, answered(office.ask(acr_values=acr))["code"])["acr"] == "vn:auth:2"


def test_a_level_is_earned_by_a_step_up_or_not_told(office, client, monkeypatch):
    """Security case 19."""
    person, asked = lan(), {"acr_values": "vn:auth:2"}
    monkeypatch.setattr(sign_in_verbs, "ACR_OF_BOTH", 1)
    signed_in(client, person)
    monkeypatch.undo()

    silent = answered(office.ask(prompt="none", **asked))["code"]
    stepped = answered(after_sign_in(office, person, **asked))["code"]

    levels = [claims_of(office, code)["acr"] for code in (silent, stepped)]
    assert levels == ["vn:auth:1", "vn:auth:2"]


def essential(*values):
    told = {"essential": True} | ({"values": list(values)} if values else {})
    return json.dumps({"id_token": {"acr": told}})


def test_an_essential_level_that_nobody_reaches_is_told_before_the_sign_in(office):
    """Unmet Authentication Requirements §2."""
    assert office.error(claims=essential("vn:auth:4")) == "unmet_authentication_requirements"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (("vn:auth:2",), "vn:auth:2"),
        (("vn:auth:1",), "vn:auth:1"),
        (("vn:auth:3", "vn:auth:2"), "vn:auth:2"),
        ((), "vn:auth:2"),
    ],
)
def test_an_essential_level_that_was_earned_is_one_of_those_asked_for(office, client, values, told):
    """Core §5.5.1.1: a level that was earned, and never more."""
    signed_in(client, lan())

    claims = claims_of(office, answered(office.ask(claims=essential(*values)))["code"])

    assert claims["acr"] == told


def test_a_procedure_that_needs_more_than_can_be_earned_is_told_so(office, client, told):
    """Issue item 5: a procedure's minimum that cannot be met."""
    signed_in(client, lan())
    told(StepUp(auth_level=3, account_level=1))

    assert office.error() == "unmet_authentication_requirements"


def test_an_account_that_is_too_low_is_told_so(office, client, told):
    """Design §3: account level and authentication level are two things."""
    signed_in(client, lan(account_level=1))
    told(StepUp(auth_level=2, account_level=2))

    assert office.error() == "unmet_authentication_requirements"


def test_other_claims_are_read_and_left_out(office, client):
    """Core §5.5: a claim that is not available is no error."""
    signed_in(client, lan())
    wanted = {"nickname": {"essential": True}, "picture": None, "vn_account_level": {"value": 9}}
    claims = {"userinfo": wanted, "id_token": {"auth_time": None, "name": None}, "other": {}}

    assert "code" in answered(office.ask(claims=json.dumps(claims)))


@pytest.mark.parametrize(
    "claims",
    ["{", "[]", "1", '{"id_token": []}', '{"id_token": {"acr": 1}}', '{"userinfo": "x"}',
     '{"id_token": {"acr": {"values": "vn:auth:2"}}}', '{"id_token": {"acr": {"value": 2}}}'],
)  # fmt: skip
def test_a_claims_parameter_of_another_shape_is_refused(office, claims):
    """reference/provider.md §3 row 16."""
    answer = answered(office.ask(claims=claims))
    assert answer["error"] == "invalid_request"
    # RFC 6749 §4.1.2.1: printable ASCII without quotation mark and backslash.
    assert re.fullmatch(r"[\x20\x21\x23-\x5b\x5d-\x7e]+", answer["error_description"])


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ],
)
def test_what_is_not_taken_is_said_by_name(office, name, error):
    """Core §6, §7.2.1."""
    assert office.error(**{name: "eyJhbGciOiJub25lIn0.e30."}) == error


def test_the_pages_speak_the_language_that_was_asked_for(office, client):
    """Core §3.1.2.1: ui_locales."""
    request_id = waiting(office.ask(ui_locales="en vi"))

    page = client.get(f"/sign-in?request={request_id}")

    assert page.headers["Content-Language"] == "en"


class TestAttacker:
    def test_a_hint_of_another_person_never_gets_this_ones_session(self, office, client, app):
        """Security case 21."""
        browser = app.test_client()
        other = replace(office, client=browser)
        signed_in(browser, minh())
        hint = id_token(other, answered(other.ask())["code"])
        signed_in(client, lan())

        assert office.error(prompt="none", id_token_hint=hint) == "login_required"
        assert waiting(office.ask(id_token_hint=hint))

    def test_who_signs_in_instead_of_the_hinted_person_is_not_taken(self, office, app):
        """Core §3.1.2.2: or an error."""
        browser = app.test_client()
        other = replace(office, client=browser)
        signed_in(browser, minh())
        hint = id_token(other, answered(other.ask())["code"])

        answer = after_sign_in(office, lan(), id_token_hint=hint)

        assert answered(answer)["error"] == "login_required"

    def test_a_login_hint_does_not_tell_whose_session_it_is(self, office, client):
        """Security case 21: right or wrong, a number gets the same answer."""
        person = lan()
        signed_in(client, person)

        errors = [office.error(prompt="none", login_hint=h) for h in (person.national_id, "x")]

        assert errors == ["login_required"] * 2

    def test_a_login_hint_beside_a_right_hint_is_not_looked_at(self, office, client):
        """Core §3.1.2.1: the ID token says who it is."""
        signed_in(client, lan())
        hint = id_token(office, answered(office.ask())["code"])

        answers = [
            answered(office.ask(prompt="none", id_token_hint=hint, login_hint=name))
            for name in ("0912345678", "x")
        ]

        assert all("code" in answer for answer in answers)

    def test_a_number_that_was_hinted_is_not_kept(self, office):
        """Design §2.4; what waits in the database is not sealed."""
        number = lan().national_id
        request_id = waiting(office.ask(login_hint=number))

        mine = AuthorizationRequest.id == uuid.UUID(request_id)
        kept = database.row(select(AuthorizationRequest.params).where(mine)).params

        assert number not in json.dumps(kept)

    def test_a_hint_for_another_service_is_refused(self, office, client):
        """Core §3.1.2.1: issued to whom."""
        signed_in(client, lan())
        other = a_sender(client)
        hint = id_token(other, answered(other.ask())["code"])

        assert office.error(id_token_hint=hint) == "invalid_request"

    def test_a_forged_hint_or_an_access_token_is_refused(self, office, client):
        """Security cases 23, 29."""
        signed_in(client, lan())
        bought = office.redeem(answered(office.ask())["code"]).json
        head, body, _ = bought["id_token"].split(".")
        unsigned = jwt.encode({"sub": "x"}, None, algorithm="none")

        for hint in (f"{head}.{body}.AAAA", bought["access_token"], unsigned, "x"):
            assert office.error(id_token_hint=hint) == "invalid_request"

    def test_a_claimed_subject_of_somebody_else_is_never_answered(self, office, client):
        """Core §5.5.1: sub with a value."""
        signed_in(client, lan())
        claims = json.dumps({"id_token": {"sub": {"value": "somebody"}}})

        assert office.error(prompt="none", claims=claims) == "login_required"

    def test_a_grant_of_another_request_is_not_taken_twice(self, office, client, told):
        """Design §4: the code that follows a decision is one, however often it is opened."""
        signed_in(client, lan())
        ledger = told(Ask("/consent"))
        request_id = waiting(office.ask(), "/consent")
        ledger.verdict = Approved(None, ())

        answers = [office.come_back(request_id).status_code for _ in range(3)]

        assert answers == [303, 409, 409]
