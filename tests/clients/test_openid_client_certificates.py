"""npm openid-client 6 shows a certificate over TLS that a proxy ends (RFC 8705, RFC 9440)."""

import pytest

from tests.clients.agencies import written
from tests.clients.checks import check
from tests.clients.conversation import ClientRefused

pytestmark = [pytest.mark.openid_client, pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.mark.parametrize("who", ["named", "listed", "bound-by-both"])
def test_who_shows_a_certificate_gets_tokens_bound_to_it(goes, registered, who):
    """RFC 8705 §2.1, §2.2, §3, §5: at the addresses that discovery names for it."""
    seen = goes("code", who)

    check(seen)
    assert seen["known"]["cnf"] == {"x5t#S256": registered[who].certificate.thumbprint}
    check(goes("code", who, push=True))


def test_an_app_goes_on_with_its_certificate(goes):
    """RFC 8705 §4: a public client's refresh token is bound too."""
    check(goes("code", "bound-app"))


@pytest.mark.parametrize("who", ["named", "listed"])
def test_a_token_of_the_services_own(goes, registered, who):
    """RFC 8705 §3."""
    known = goes("own", who)["known"]

    assert known["cnf"] == {"x5t#S256": registered[who].certificate.thumbprint}


class TestAttacker:
    def test_the_certificate_of_another(self, goes, registered, proxy):
        stolen = written(registered["listed"].certificate)

        with pytest.raises(ClientRefused, match="401"):
            goes("own", "named", tls=stolen | {"ca": proxy.certificate.read_text()})

    def test_no_certificate(self, goes):
        with pytest.raises(ClientRefused, match="401"):
            goes("own", "named", tls=None, metadata={})
