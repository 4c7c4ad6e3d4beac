"""npm openid-client 6, certified for FAPI 2.0, as a public service that chose that profile."""

import pytest

from tests.clients.checks import check
from tests.clients.conversation import ClientRefused

pytestmark = [pytest.mark.openid_client, pytest.mark.slow, pytest.mark.timeout(180)]


def test_the_security_profile_by_proofs(goes):
    """FAPI 2.0 Security Profile §5.3: private_key_jwt, PAR, PKCE, DPoP; no rotation (-9)."""
    check(goes("code", "strict", push=True, dpop="ES256"), token_type="dpop", rotates=False)


def test_the_security_profile_by_certificates(goes):
    """FAPI 2.0 Security Profile §5.3.2.1: mutual TLS for both."""
    check(goes("code", "strict-named", push=True), rotates=False)


def test_message_signing(goes):
    """FAPI 2.0 Message Signing §5.3 to §5.5: request, answer and introspection are signed."""
    seen = goes("code", "strict-signing", push=True, jar=True, jarm=True, dpop="PS256")

    check(seen, token_type="dpop", rotates=False)


class TestAttacker:
    @pytest.mark.parametrize("told", [{"push": False}, {"dpop": None}])
    def test_less_than_the_profile_is_refused(self, goes, told):
        with pytest.raises(ClientRefused, match=r"invalid_request|invalid_dpop_proof"):
            goes("code", "strict", **{"push": True, "dpop": "ES256"} | told)
