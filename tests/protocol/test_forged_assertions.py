"""Forged client assertions at the token endpoint: RFC 7523 §3, RFC 8725."""

import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from identity.public_services import registered
from tests import counterfeits
from tests.counterfeits import Attackers, Genuine
from tests.offices import an_office
from tests.people import lan
from tests.public_services import a_service_with_a_key, public_jwk
from tests.strangers import listening, says

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def office():
    return a_service_with_a_key(grant_types=["client_credentials"])


@pytest.fixture
def sent(client, office):
    """What the token endpoint says to an assertion."""

    def send(assertion):
        told = {"grant_type": "client_credentials", "client_id": office.client_id}
        form = office.assertion() | {"client_assertion": assertion}
        answer = client.post("/token", data=told | form)
        assert answer.status_code in {200, 401, 413}, answer.text
        if answer.status_code == 401:
            assert answer.json["error"] == "invalid_client"
        return answer.status_code == 200

    return send


def a_fresh(office) -> Genuine:
    return Genuine(office.assertion()["client_assertion"])


def test_the_genuine_assertion_is_taken(sent, office):
    """Else nothing below would show anything."""
    assert sent(a_fresh(office).text)
    assert sent(a_fresh(office).by(office.key))


class TestAttacker:
    """Security cases 23 to 30, on the wire."""

    @pytest.mark.parametrize("alg", counterfeits.UNSIGNED)
    def test_an_unsigned_assertion_is_refused(self, sent, office, alg):
        """Case 23."""
        assert not sent(a_fresh(office).unsigned(alg, keeps_signature=False))
        assert not sent(a_fresh(office).unsigned(alg, keeps_signature=True))

    @pytest.mark.parametrize("shape", counterfeits.SHAPES)
    def test_a_services_public_key_is_no_shared_secret(self, sent, office, shape):
        """Case 24: the key that everybody may read at its jwks_uri; and ours."""
        mine = public_jwk(office.key)

        assert not sent(a_fresh(office).with_secret(counterfeits.as_secret(mine, shape)))

    def test_no_address_in_an_assertion_is_asked(self, sent, office):
        """Case 25: although this installation may reach it, nobody comes."""
        key = ec.generate_private_key(ec.SECP256R1())
        with listening(says(Attackers.published(key))) as stranger:
            theirs = Attackers(key, f"http://127.0.0.1:{stranger.port}/keys")
            for header in theirs.headers():
                assert not sent(a_fresh(office).by(key, **header))
                assert not sent(a_fresh(office).by(office.key, **header))

        assert (stranger.connections, stranger.requests) == (0, [])

    @pytest.mark.parametrize("kid", counterfeits.KIDS)
    def test_a_strange_key_name_leads_nowhere(self, sent, office, kid):
        """Case 26: it is looked for among the service's own keys."""
        assert not sent(a_fresh(office).by(office.key, kid=kid))

    def test_a_hundred_assertions_of_unknown_keys_cost_one_fetch(self, client):
        """Case 26: at the endpoint, each with another name."""
        key = ec.generate_private_key(ec.SECP256R1())
        with listening(says(Attackers.published(key))) as stranger:
            address = f"http://127.0.0.1:{stranger.port}/jwks"
            office = a_service_with_a_key(
                jwks=None, jwks_uri=address, grant_types=["client_credentials"]
            )
            assert registered.find(office.client_id).jwks_uri == address
            for number in range(100):
                form = office.assertion(header={"kid": f"unknown-{number}"})
                told = form | {"grant_type": "client_credentials"}
                assert client.post("/token", data=told).status_code in {401, 429}

        assert len(stranger.requests) == 1

    @pytest.mark.parametrize(
        "added", [{"crit": ["exp"]}, {"crit": ["b64"], "b64": False}, {"crit": []}, {"crit": "x"}]
    )
    def test_what_would_have_to_be_understood_is_refused(self, sent, office, added):
        """Case 27."""
        assert not sent(a_fresh(office).by(office.key, **added))

    @pytest.mark.parametrize("typ", ["logout+jwt", "at+jwt", "dpop+jwt", "secevent+jwt", "", 7])
    def test_another_kind_of_token_is_no_assertion(self, sent, office, typ):
        """Case 29: a logout token with its own key's signature, for one."""
        assert not sent(a_fresh(office).by(office.key, typ=typ))

    def test_a_token_of_ours_is_no_assertion(self, client, sent):
        """Case 29: what we signed about a service does not speak for it."""
        bought = an_office(client).sign_in(lan())

        assert not sent(bought["access_token"])
        assert not sent(bought["id_token"])
        assert not sent(bought["refresh_token"])

    def test_an_encrypted_or_a_large_assertion_costs_nothing(self, sent, office):
        """Case 30: refused in under 100 ms, whatever work its header asks for."""
        for assertion in (*counterfeits.encrypted(), *counterfeits.large(a_fresh(office).text)):
            taken = []
            for _ in range(3):  # the machine has neighbours
                started = time.perf_counter()
                assert not sent(assertion)
                taken.append(time.perf_counter() - started)
            assert min(taken) < 0.1
