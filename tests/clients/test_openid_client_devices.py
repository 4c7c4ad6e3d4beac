"""npm openid-client 6 signs people in on screens that cannot show our pages."""

import pytest

from tests.clients.conversation import ClientRefused

pytestmark = [pytest.mark.openid_client, pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.mark.parametrize(
    ("who", "alg"), [("screen", None), ("screen", "ES256"), ("office-screen", None)]
)
def test_a_screen_without_keys(goes, town, who, alg):
    """RFC 8628 §3; bound to a key of the screen (RFC 9449 §5)."""
    seen = goes("device", who, dpop=alg)

    assert seen["arrived"] == f"{town.serving.issuer}/device/allowed"
    assert seen["tokens"]["token_type"] == ("bearer" if alg is None else "dpop")
    assert seen["userinfo"]["sub"] == seen["claims"]["sub"]


class TestAttacker:
    def test_a_service_that_did_not_register_for_devices(self, goes):
        with pytest.raises(ClientRefused, match="unauthorized_client"):
            goes("device", "basic")
