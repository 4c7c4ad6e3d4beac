"""npm openid-client 6, certified for Basic, FAPI 2.0 and more, goes every way that we offer.

It verifies what a public service has to: issuer, state, nonce, audience, hashes and signatures.
"""

import pytest

pytestmark = [pytest.mark.openid_client, pytest.mark.slow, pytest.mark.timeout(180)]

WAYS = ["basic", "post", "ES256", "PS256", "EdDSA", "app"]


def check(seen, *, token_type="bearer"):
    """The person is the same in all that was told, and the tokens end with their family."""
    subject = seen["claims"]["sub"]
    assert seen["tokens"]["token_type"] == seen["next"]["token_type"] == token_type
    assert seen["userinfo"]["sub"] == seen["again"]["sub"] == subject
    assert seen["tokens"]["refresh_token"] != seen["next"]["refresh_token"]
    if "known" in seen:
        assert (seen["known"]["active"], seen["known"]["sub"]) == (True, subject)
        assert seen["ended"] == {"active": False}


@pytest.mark.parametrize("who", WAYS)
def test_a_code_by_every_way_of_proving_who_asks(goes, who):
    """OIDC Core §9, RFC 7523, RFC 7636."""
    check(goes("code", who))


@pytest.mark.parametrize("who", ["signed", "RS256"])
def test_signed_userinfo_and_the_algorithm_of_plain_openid(goes, who):
    """OIDC Core §5.3.2; Discovery §3: RS256."""
    check(goes("code", who))
