"""ID tokens under each algorithm, and what they bind: OIDC Core §2, §3.1.3.6; FAPI's `s_hash`."""

import hashlib
from base64 import urlsafe_b64encode

import jwt
import pytest

from identity import settings
from tests.asking import a_sender, answered, signed_in
from tests.people import lan

pytestmark = pytest.mark.usefixtures("app")
HASHES = {"ES256": "sha256", "PS256": "sha256", "EdDSA": "sha512", "RS256": "sha256"}


def told(client, office, text):
    """What an independent reader of our key set makes of it."""
    header = jwt.get_unverified_header(text)
    key = jwt.PyJWKSet.from_dict(client.get("/jwks").json)[header["kid"]]
    here = {"audience": office.played.client_id, "issuer": settings.current().issuer}
    return header, jwt.decode(text, key, algorithms=[key.algorithm_name], **here)


def half(text, alg):
    digest = hashlib.new(HASHES[alg], text.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


@pytest.mark.parametrize("alg", HASHES)
def test_it_is_signed_as_registered_and_binds_what_came_along(client, alg):
    """`at_hash` and `s_hash` by the hash of the algorithm; SHA-512 for Ed25519."""
    office = a_sender(client, id_token_signed_response_alg=alg)
    signed_in(client, lan())

    bought = office.redeem(answered(office.ask())["code"]).json

    header, said = told(client, office, bought["id_token"])
    assert (header["alg"], said["nonce"]) == (alg, "n-1")
    assert said["at_hash"] == half(bought["access_token"], alg)
    assert said["s_hash"] == half(office.state, alg)


def test_without_a_state_there_is_no_hash_of_one(client):
    """What was not sent is not told."""
    office = a_sender(client)
    signed_in(client, lan())

    bought = office.redeem(answered(office.ask(state=None))["code"]).json

    assert "s_hash" not in told(client, office, bought["id_token"])[1]


def test_a_refreshed_id_token_answers_no_request(client):
    """OIDC Core §12.2: neither nonce nor state, which belong to the first."""
    office = a_sender(client, grant_types=["authorization_code", "refresh_token"])
    signed_in(client, lan())
    bought = office.redeem(answered(office.ask())["code"]).json

    form = {"grant_type": "refresh_token", "refresh_token": bought["refresh_token"]}
    again = client.post("/token", data=form, headers=office.played.basic()).json

    said = told(client, office, again["id_token"])[1]
    assert not {"nonce", "s_hash"} & said.keys()
    assert said["at_hash"] == half(again["access_token"], "ES256")


class TestAttacker:
    @pytest.mark.parametrize("alg", ["none", "HS256", "RS512", "ES384", "Ed25519", ""])
    def test_no_other_algorithm_can_be_registered(self, client, alg):
        """Nothing unsigned, nothing symmetric, nothing that we have no key for."""
        with pytest.raises(Exception, match="id_token_signed_response_alg"):
            a_sender(client, id_token_signed_response_alg=alg)

    @pytest.mark.parametrize("alg", HASHES)
    def test_an_id_token_is_no_access_token_under_any_key(self, client, alg):
        """RFC 8725 §3.11, for each key of ours."""
        office = a_sender(client, id_token_signed_response_alg=alg)
        signed_in(client, lan())
        text = office.redeem(answered(office.ask())["code"]).json["id_token"]

        answer = client.get("/userinfo", headers={"Authorization": f"Bearer {text}"})

        assert (answer.status_code, answer.json["error"]) == (401, "invalid_token")
