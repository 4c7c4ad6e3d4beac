"""Proof Key for Code Exchange, RFC 7636: S256, and nothing that looks like it."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.tokens.pkce import challenge_of, is_challenge, is_proved, is_verifier

# RFC 7636 appendix B
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
UNRESERVED = string.ascii_letters + string.digits + "-._~"


def test_the_example_of_the_specification_is_proved():
    """RFC 7636 appendix B."""
    assert challenge_of(VERIFIER) == CHALLENGE
    assert is_proved(CHALLENGE, VERIFIER)


@given(verifier=st.text(UNRESERVED, min_size=43, max_size=128))
def test_every_verifier_proves_its_own_challenge_and_no_other(verifier):
    """RFC 7636 §4.1 to §4.6."""
    challenge = challenge_of(verifier)

    assert is_verifier(verifier)
    assert is_challenge(challenge, "S256")
    assert is_proved(challenge, verifier)
    assert is_proved(CHALLENGE, verifier) == (verifier == VERIFIER)


@pytest.mark.parametrize(
    ("length", "accepted"), [(42, False), (43, True), (128, True), (129, False)]
)
def test_a_verifier_has_43_to_128_characters(length, accepted):
    """RFC 7636 §4.1."""
    assert is_verifier("a" * length) is accepted


class TestAttacker:
    """Cases 8 and 9: the challenge cannot be dropped, weakened or guessed around."""

    @pytest.mark.parametrize("verifier", [None, "", "a", VERIFIER[:-1], VERIFIER + "A", CHALLENGE])
    def test_a_missing_or_wrong_verifier_proves_nothing(self, verifier):
        """Case 8; the challenge itself travelled openly, so it is no verifier (`plain`)."""
        assert not is_proved(CHALLENGE, verifier)

    @pytest.mark.parametrize("method", ["plain", "s256", "S256 ", "", None, "S512"])
    def test_only_s256_is_a_method(self, method):
        """Case 9; an absent method means `plain` in RFC 7636 §4.3."""
        assert not is_challenge(CHALLENGE, method)

    @pytest.mark.parametrize(
        "challenge",
        [
            "",
            CHALLENGE + "=",
            CHALLENGE[:-1],
            CHALLENGE + "A",
            CHALLENGE + "\n",
            "é" * 43,
            "+" * 43,
        ],
    )
    def test_a_challenge_that_s256_never_makes_is_none(self, challenge):
        """RFC 7636 §4.2: 32 bytes in base64url are 43 characters."""
        assert not is_challenge(challenge, "S256")

    @pytest.mark.parametrize("stray", ["+", "/", "=", " ", "\n", "é", "٣", "%", "\0"])
    def test_a_verifier_of_other_characters_is_none(self, stray):
        """RFC 7636 §4.1: unreserved characters only."""
        assert not is_verifier("a" * 43 + stray)
        assert not is_proved(challenge_of("a" * 43 + stray), "a" * 43 + stray)
