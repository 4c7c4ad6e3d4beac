"""Apps on the person's own machine: loopback redirect addresses, RFC 8252 §7.3, §8.3."""

import pytest

from tests.asking import a_sender, is_refused_here, signed_in
from tests.people import lan

pytestmark = pytest.mark.usefixtures("app")


def test_a_native_service_may_come_back_to_any_port(client):
    """RFC 8252 §7.3."""
    office = a_sender(client, redirect_uris=["http://127.0.0.1/cb"], application_type="native")
    signed_in(client, lan())

    answer = office.ask(redirect_uri="http://127.0.0.1:49152/cb")

    assert answer.location.startswith("http://127.0.0.1:49152/cb?code=")


class TestAttacker:
    @pytest.mark.parametrize(
        "uri",
        [
            "http://localhost.evil/cb",
            "http://127.0.0.1.evil/",
            "http://127.0.0.1.evil:80/cb",
            "http://localhost:49152/cb",
            "http://127.0.0.1:49152/other",
            "http://127.0.0.1:80@evil/cb",
            "http://evil@127.0.0.1:80/cb",
            "https://127.0.0.1:49152/cb",
            "http://127.0.0.1:99999999/cb",
            "http://127.0.0.1:/cb",
        ],
    )
    def test_only_the_port_of_a_native_address_is_free(self, client, uri):
        """Security case 3."""
        office = a_sender(client, redirect_uris=["http://127.0.0.1/cb"], application_type="native")

        assert is_refused_here(office.ask(redirect_uri=uri))

    def test_the_port_of_another_scheme_is_not_free(self, client):
        """RFC 8252 §7.3 frees the port of http alone."""
        office = a_sender(client, redirect_uris=["https://127.0.0.1/cb"])

        assert is_refused_here(office.ask(redirect_uri="https://127.0.0.1:49152/cb"))

    def test_a_registered_port_is_not_free(self, client):
        """RFC 9700 §4.1.3: native means registered without one."""
        office = a_sender(client, redirect_uris=["http://127.0.0.1:9000/cb"])

        assert is_refused_here(office.ask(redirect_uri="http://127.0.0.1:9001/cb"))
