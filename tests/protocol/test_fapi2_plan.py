"""What the plan fapi2-security-profile-final tries beside the clauses (`docs/conformance.md`)."""

import time

import jwt
import pytest

from tests.asking import answered, is_refused_here, signed_in
from tests.fapi import a_bank
from tests.people import lan

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def bank(client):
    return a_bank(client)


def test_neither_state_nor_nonce_is_needed(bank):
    sent = bank.authorize(lan(), state=None, nonce=None)

    claims = jwt.decode(
        bank.redeem(sent["code"]).json["id_token"], options={"verify_signature": False}
    )
    assert "state" not in sent
    assert "nonce" not in claims


@pytest.mark.parametrize("verifier", [None, "another-verifier-of-forty-three-characters-or-more"])
def test_the_verifier_is_needed_and_the_right_one(bank, verifier):
    code = bank.authorize(lan())["code"]

    assert bank.redeem(code, code_verifier=verifier).json["error"] == "invalid_grant"
    assert bank.redeem(code).status_code == 200


def test_the_scheme_is_compared_without_regard_to_case(bank):
    token = bank.sign_in(lan())["access_token"]
    proof = bank.holder.proof("GET", "/userinfo", token=token)

    headers = {"Authorization": f"dPoP {token}"} | proof

    assert bank.client.get("/userinfo", headers=headers).status_code == 200


@pytest.mark.parametrize("name", ["nbf", "exp"])
def test_more_times_in_a_proof_are_tolerated(bank, name):
    token = bank.sign_in(lan())["access_token"]
    proof = bank.holder.proof("GET", "/userinfo", token=token, **{name: int(time.time())})

    headers = {"Authorization": f"DPoP {token}"} | proof

    assert bank.client.get("/userinfo", headers=headers).status_code == 200


@pytest.mark.parametrize("changed", [{"exp": -300}, {"sub": None}, {"iss": "another"}])
def test_an_assertion_that_is_late_or_of_another_is_refused(bank, changed):
    now = int(time.time())
    told = {name: now + value if name == "exp" else value for name, value in changed.items()}
    form = bank.assertion(**told) | {"grant_type": "client_credentials"}

    answer = bank.client.post("/token", data=form)

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def test_a_reference_inside_a_pushed_request_is_refused(bank):
    reference = bank.push().json["request_uri"]

    assert bank.push(request_uri=reference).json["error"] == "invalid_request"


def test_a_reference_is_good_again_until_it_is_answered(bank):
    reference = bank.push().json["request_uri"]
    before = bank.bring(reference)  # nobody is signed in yet
    signed_in(bank.client, lan())

    sent = answered(bank.bring(reference))

    assert before.location.startswith("/sign-in")
    assert bank.redeem(sent["code"]).status_code == 200
    assert is_refused_here(bank.bring(reference))
