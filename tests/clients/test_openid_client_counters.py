"""npm openid-client 6 asks for people who are somewhere else: CIBA Core 1.0, poll and ping."""

import json

import pytest

from tests.clients.conversation import ClientRefused
from tests.clients.person import Person
from tests.drills.wire import Browser

pytestmark = [pytest.mark.openid_client, pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def minh(town):
    """She answers on her phone, and nobody else asks for her: how often is bounded."""
    return Person(town.serving.issuer, Browser(town.wire()), town.people[2])


@pytest.mark.parametrize("who", ["counter", "counter-key"])
def test_a_counter_asks_and_the_person_answers_elsewhere(goes, town, minh, who):
    """CIBA Core §7, §10.1: by her number; the message is shown as it was sent."""
    asked = {"login_hint": minh.resident.national_id}

    seen = goes("counter", who, minh, asked=asked)

    assert minh.was_shown == "Quay 5"
    assert seen["arrived"] == f"{town.serving.issuer}/my/requests/allowed"
    assert seen["userinfo"]["sub"] == seen["claims"]["sub"]


def test_a_counter_is_told_that_there_is_an_answer(goes, minh, listener):
    """CIBA Core §10.2, ping: the name of the request, with the token that the counter chose."""
    chosen = "chosen-by-the-counter-for-this-one"
    asked = {"login_hint": minh.resident.national_id, "client_notification_token": chosen}

    seen = goes("counter", "counter-pinged", minh, asked=asked)

    heard = listener.heard("answer")
    assert json.loads(heard.body) == {"auth_req_id": seen["begun"]["auth_req_id"]}
    assert heard.authorization == f"Bearer {chosen}"
    assert seen["userinfo"]["sub"] == seen["claims"]["sub"]


class TestAttacker:
    def test_a_service_that_did_not_register_for_it(self, goes, minh):
        with pytest.raises(ClientRefused, match="unauthorized_client"):
            goes("counter", "basic", asked={"login_hint": minh.resident.national_id})

    def test_one_that_names_nobody(self, goes):
        with pytest.raises(ClientRefused, match="invalid_request"):
            goes("counter", "counter")
