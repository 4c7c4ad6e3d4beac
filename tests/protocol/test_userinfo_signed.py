"""UserInfo as a signed JWT: OpenID Connect Core §5.3.2, for who registered that."""

import jwt
import pytest

from identity import settings
from tests.offices import a_decision, about_scopes, an_office
from tests.people import lan
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app")


def told(client, office, text):
    """What an independent reader of our key set makes of it."""
    by_kid = {key["kid"]: key for key in client.get("/jwks").json["keys"]}
    key = jwt.PyJWK(by_kid[jwt.get_unverified_header(text)["kid"]])
    return jwt.decode(
        text,
        key,
        algorithms=[key.algorithm_name],
        audience=office.played.client_id,
        issuer=settings.current().issuer,
    )


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA", "RS256"])
def test_the_claims_come_signed_for_whoever_registered_it(client, alg):
    """OIDC Core §5.3.2: `iss`, `aud`, and the same claims; application/jwt."""
    office = an_office(client, userinfo_signed_response_alg=alg)
    person = lan()
    decided = {"scope": "openid profile", "decisions": (about_scopes("name"),)}
    bought = office.sign_in(person, **decided)

    answer = office.userinfo(bought["access_token"])

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/jwt"
    assert answer.headers["Cache-Control"] == "no-store"
    assert jwt.get_unverified_header(answer.text)["alg"] == alg
    said = told(client, office, answer.text)
    assert said.keys() == {"iss", "aud", "sub", "name"}
    assert said["name"] == person.full_name


def test_a_refusal_stays_readable(client):
    """RFC 6750 §3: JSON and a challenge, whatever was registered."""
    office = an_office(client, userinfo_signed_response_alg="ES256")

    answer = office.userinfo("nonsense")

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_token")


class TestAttacker:
    def test_it_is_no_token_of_another_kind(self, client):
        """RFC 8725 §3.11: neither a hint, nor an access token, nor an assertion."""
        office = an_office(client, userinfo_signed_response_alg="ES256")
        bought = office.sign_in(lan(), decisions=(a_decision(),))
        said = office.userinfo(bought["access_token"]).text

        # Core §5.3.2 names no type, and clients refuse one that is made up; JWT is the ID token's.
        assert "typ" not in jwt.get_unverified_header(said)
        assert office.userinfo(said).status_code == 401
        assert not office.is_active(said)
        for path in ("/end-session", "/authorize"):
            answer = client.get(path, query_string={"id_token_hint": said})
            assert answer.status_code == 400

    def test_no_weaker_algorithm_can_be_registered(self, app):
        """Nothing unsigned, nothing symmetric."""
        _ = app
        for alg in ("none", "HS256", "RS1"):
            with pytest.raises(Exception, match="userinfo_signed_response_alg"):
                a_service(userinfo_signed_response_alg=alg)
