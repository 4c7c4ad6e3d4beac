"""PKCE at the token endpoint: RFC 7636 §4.5, §4.6."""

import pytest

from identity.tokens import pkce
from tests.offices import VERIFIER, an_office
from tests.people import lan

pytestmark = pytest.mark.usefixtures("app")


def test_who_has_the_verifier_gets_the_tokens(office):
    """§4.6."""
    assert office.redeem(office.authorize(lan())).status_code == 200


def test_a_service_without_pkce_redeems_without_a_verifier(client):
    """Only a confidential one that registered so has a code without a challenge."""
    office = an_office(client, require_pkce=False)

    assert office.redeem(office.authorize(lan(), verifier=None)).status_code == 200


class TestAttacker:
    """Security cases 8, 9, 11."""

    @pytest.mark.parametrize(
        "verifier",
        [None, "", "x" * 43, "x" * 42, "x" * 129, VERIFIER[:-1], VERIFIER + "x", VERIFIER.upper()],
    )
    def test_a_challenge_once_sent_is_always_checked(self, office, verifier):
        """Case 8; and the wrong try spends nothing."""
        code = office.authorize(lan())

        answer = office.redeem(code, code_verifier=verifier)

        assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")
        assert office.redeem(code).status_code == 200

    def test_a_verifier_without_a_challenge_is_a_downgrade(self, client):
        """Case 9; RFC 9700 §4.8.2: somebody cut the challenge out on the way."""
        office = an_office(client, require_pkce=False)
        code = office.authorize(lan(), verifier=None)

        answer = office.redeem(code, code_verifier=VERIFIER)

        assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")

    def test_the_challenge_itself_proves_nothing(self, office):
        """`plain` is never meant: RFC 7636 §7.2."""
        code = office.authorize(lan())

        answer = office.redeem(code, code_verifier=pkce.challenge_of(VERIFIER))

        assert answer.json["error"] == "invalid_grant"
