"""Forged access tokens at every door that takes one: RFC 8725, RFC 9068 §4, RFC 6750 §5."""

import json
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from identity import settings
from identity.granted.gate import TokenRef
from identity.signing import keys
from tests import counterfeits
from tests.counterfeits import Attackers, Genuine
from tests.exchange import decision, fill_register, give, publish_catalogues, sign, told
from tests.offices import GRANT_TYPES, Office
from tests.people import lan
from tests.public_services import a_service
from tests.strangers import listening, says

pytestmark = pytest.mark.usefixtures("app")

QUICK_SECONDS = 0.1


def _userinfo(office, token):
    return _bears(office.userinfo(token))


def _attributes(office, token):
    headers = {"Authorization": f"Bearer {token}"}
    return _bears(office.client.post("/api/attributes", json={}, headers=headers))


def _bears(answer):
    if answer.status_code == 200:
        return True
    if answer.status_code != 431:  # longer than all headers may be
        assert answer.status_code == 401, answer.text
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    return False


def _introspect(office, token):
    answer = office.post("/introspect", token=token)
    if answer.status_code == 413:  # longer than any form may be
        return False
    assert answer.status_code == 200
    assert answer.json["active"] or answer.json == {"active": False}
    return answer.json["active"]


DOORS = {"userinfo": _userinfo, "attributes": _attributes, "introspect": _introspect}


@pytest.fixture(scope="module", autouse=True)
def catalogues(app):
    del app
    publish_catalogues()


@pytest.fixture(scope="module")
def given(catalogues):  # noqa: ARG001 - what a decision is about
    person = lan()
    fill_register("population", told(person, "full_name", "Nguyễn Thị Lan"))
    return give(person, a_service(grant_types=GRANT_TYPES), decision("full_name"))


@pytest.fixture
def good(given) -> Genuine:
    """A token that every door takes."""
    ref = TokenRef(given.person.citizen_id, given.grant_id, 1, given.family_id)
    return Genuine(sign(given.service, ref, given.carried, scopes=("openid",)))


@pytest.fixture
def office(client, given) -> Office:
    return Office(client, given.service)


@pytest.fixture(params=DOORS)
def door(request, office):
    """One of the doors: whether it takes a token, and says what a door says that does not."""

    def takes(token: str) -> bool:
        return DOORS[request.param](office, token)

    return takes


def is_quick(act) -> bool:
    """Whether it takes less than 100 ms; the best of three, for the machine has neighbours."""

    def once():
        started = time.perf_counter()
        act()
        return time.perf_counter() - started

    return min(once() for _ in range(3)) < QUICK_SECONDS


def test_the_genuine_token_opens_every_door(door, good):
    """Else nothing below would show anything."""
    assert door(good.text)
    assert door(good.saying(jti=good.claims["jti"]))
    assert door(good.by(counterfeits.our_key()))


class TestAttacker:
    """Security cases 23 to 32, on the wire."""

    @pytest.mark.parametrize("alg", counterfeits.UNSIGNED)
    def test_no_door_takes_an_unsigned_token(self, door, good, alg):
        """Case 23."""
        assert not door(good.unsigned(alg, keeps_signature=False))
        assert not door(good.unsigned(alg, keeps_signature=True))
        assert not door(good.stripped())

    @pytest.mark.parametrize("shape", counterfeits.SHAPES)
    def test_no_door_takes_our_public_key_for_a_secret(self, door, client, good, shape):
        """Case 24: under each key that we publish."""
        for key in client.get("/jwks").json["keys"]:
            if key["alg"] == "ES256":
                secret = counterfeits.as_secret(key, shape)
                assert not door(good.with_secret(secret, kid=key["kid"]))

    def test_no_door_asks_an_address_that_a_token_names(self, door, good):
        """Case 25: although this installation may reach it, nobody comes."""
        key = ec.generate_private_key(ec.SECP256R1())
        with listening(says(Attackers.published(key))) as stranger:
            theirs = Attackers(key, f"http://127.0.0.1:{stranger.port}/keys")
            for header in theirs.headers():
                assert not door(good.by(key, **header))
                assert not door(good.by(counterfeits.our_key(), **header))

        assert (stranger.connections, stranger.requests) == (0, [])

    @pytest.mark.parametrize("kid", counterfeits.KIDS)
    def test_no_door_follows_a_strange_key_name(self, door, good, kid):
        """Case 26: refused in the usual time, though our own key signed it."""
        token = good.by(counterfeits.our_key(), kid=kid)

        assert not door(token)
        assert is_quick(lambda: door(token))

    @pytest.mark.parametrize(
        "added", [{"crit": ["exp"]}, {"crit": ["b64"], "b64": False}, {"crit": []}, {"crit": "x"}]
    )
    def test_no_door_takes_what_it_would_have_to_understand(self, door, good, added):
        """Case 27."""
        assert not door(good.by(counterfeits.our_key(), **added))

    def test_no_door_takes_a_token_of_another_issuer_or_for_another_audience(
        self, door, given, good
    ):
        """Case 28: no beginning, no part and no list, though our own key signed it."""
        here = settings.current()
        others = (
            {"iss": here.issuer + ".evil"},
            {"iss": here.issuer[:-1]},
            {"iss": here.issuer + "/"},
            {"iss": [here.issuer]},
            {"aud": given.service.client_id},
            {"aud": here.api_audience + "/"},
            {"aud": here.api_audience[:-1]},
            {"aud": "api"},
            {"aud": [here.api_audience]},
            {"aud": [here.api_audience, "https://tax.example"]},
            {"aud": ""},
        )

        assert [other for other in others if door(good.saying(**other))] == []

    def test_no_door_takes_another_kind_of_token(self, door, good, office):
        """Case 29: the same claims in an ID token, a logout token, an event."""
        others = set(keys.TYPES) - {keys.ACCESS_TOKEN}

        assert [typ for typ in others if door(keys.sign(good.claims, typ=typ))] == []
        assert not door(office.sign_in(lan())["id_token"])

    def test_no_door_opens_an_encrypted_token(self, door):
        """Case 30: and it takes no time, whatever work the header asks for."""
        for token in counterfeits.encrypted():
            assert not door(token)
            assert is_quick(lambda token=token: door(token))

    def test_no_door_reads_a_large_token(self, door, good):
        """Case 30: a megabyte."""
        for token in counterfeits.large(good.text):
            assert not door(token)
            assert is_quick(lambda token=token: door(token))

    @pytest.mark.parametrize(
        "bound", [{"osc": "A" * 43}, {}, {"jkt": "A" * 43, "x5t#S256": "A" * 43}]
    )
    def test_no_door_takes_a_token_bound_to_what_nobody_knows(self, door, good, bound):
        """Case 32: one that a newer process signed, with a proof that we cannot ask for."""
        assert not door(good.saying(cnf=bound))

    def test_no_door_takes_a_bound_token_from_whoever_bears_it(self, office, good):
        """Case 32; introspection tells its owner which key has to prove itself."""
        for bound in ({"jkt": "A" * 43}, {"x5t#S256": "A" * 43}):
            token = good.saying(cnf=bound)

            assert not _userinfo(office, token)
            assert not _attributes(office, token)
            assert office.post("/introspect", token=token).json["cnf"] == bound

    def test_a_refresh_token_opens_neither_userinfo_nor_the_api(self, office):
        """Case 29; at introspection it is one of the two kinds that are known."""
        token = office.sign_in(lan())["refresh_token"]

        assert not _userinfo(office, token)
        assert not _attributes(office, token)

    def test_the_scheme_of_a_bound_token_opens_nothing(self, office, good):
        """Cases 31, 32: `DPoP` is no way to bear a token, whatever is called a proof."""
        proof = good.by(counterfeits.our_key(), typ="dpop+jwt")
        headers = {"Authorization": f"DPoP {good.text}", "DPoP": proof}

        for answer in (
            office.client.get("/userinfo", headers=headers),
            office.client.post("/api/attributes", json={}, headers=headers),
        ):
            assert answer.status_code == 401
            assert good.claims["sub"] not in json.dumps(answer.json)
