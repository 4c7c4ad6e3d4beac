"""npm openid-client 6 signs what it asks, and reads what comes back signed."""

import pytest

from tests.clients.checks import check
from tests.clients.conversation import ClientRefused

pytestmark = [pytest.mark.openid_client, pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.mark.parametrize("push", [False, True])
@pytest.mark.parametrize("who", ["signing", "all-PS256", "EdDSA"])
def test_a_request_that_its_service_signed(goes, who, push):
    """RFC 9101 §5.1, RFC 9126 §3."""
    check(goes("code", who, jar=True, push=push))


@pytest.mark.parametrize("who", ["basic", "all-PS256", "all-EdDSA"])
def test_an_answer_that_is_signed(goes, who):
    """JARM §2.3: the client reads nothing beside the JWT."""
    check(goes("code", who, jarm=True))


@pytest.mark.parametrize("mode", ["query.jwt", "form_post.jwt"])
def test_an_answer_that_is_signed_by_the_mode_that_was_named(goes, mode):
    """JARM §2.3.1, §2.3.3: also posted by the browser."""
    check(goes("code", "basic", jarm=True, mode=mode))


@pytest.mark.parametrize("who", ["all-PS256", "all-EdDSA"])
def test_everything_signed_by_the_algorithm_that_was_registered(goes, who):
    """OIDC Core §2, §5.3.2; at_hash by the hash of that algorithm (§3.1.3.6)."""
    seen = goes("code", who, dpop="ES256", push=True, jar=True, jarm=True)

    check(seen, token_type="dpop")


@pytest.mark.parametrize("who", ["sealed", "sealed-RSA", "sealed-key"])
def test_what_only_its_service_can_open(goes, who):
    """OIDC Core §10.2: ID token and userinfo; RFC 9701 §5: introspection, all signed first."""
    check(goes("code", who))


@pytest.mark.parametrize("who", ["sealed", "sealed-RSA", "sealed-key"])
def test_an_answer_that_no_browser_can_read(goes, who):
    """JARM §2.2: signed, then encrypted."""
    check(goes("code", who, jarm=True))


def test_a_token_that_is_for_one_resource(goes, town):
    """RFC 8707 §2: asked for at both ends, and no wider afterwards."""
    here = {"resource": town.serving.issuer}

    seen = goes("code", "basic", asked=here, redeemed=here)

    check(seen)
    assert seen["known"]["aud"] == town.serving.issuer


class TestAttacker:
    def test_a_key_that_is_not_the_one_it_was_encrypted_to(self, goes, registered):
        opens = registered["sealed-key"].told()["opens"] | {"enc": "A256GCM"}

        with pytest.raises(ClientRefused, match="decrypt"):
            goes("code", "sealed", opens=opens)

    def test_a_resource_that_was_not_asked_for(self, goes, town):
        with pytest.raises(ClientRefused, match="invalid_target"):
            goes(
                "code",
                "basic",
                asked={"resource": town.serving.issuer},
                redeemed={"resource": town.serving.issuer + "/api"},
            )

    def test_an_answer_signed_by_another_algorithm_than_was_agreed(self, goes):
        agreed = {"authorization_signed_response_alg": "PS256"}

        with pytest.raises(ClientRefused, match="alg"):
            goes("code", "basic", jarm=True, metadata=agreed)

    def test_an_unsigned_request_of_who_registered_that_it_signs(self, goes):
        with pytest.raises(ClientRefused, match="invalid_request"):
            goes("code", "signing")
