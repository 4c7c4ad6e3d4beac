"""The issuer in every authorization response, RFC 9207 §2."""

import pytest

from identity import settings
from tests.asking import a_sender, answered, is_refused_here, signed_in
from tests.people import lan

pytestmark = pytest.mark.usefixtures("app")


def test_a_code_comes_with_the_issuer(client):
    """RFC 9207 §2.1."""
    office = a_sender(client)
    signed_in(client, lan())

    assert answered(office.ask())["iss"] == settings.current().issuer


def test_an_error_comes_with_the_issuer(client):
    """RFC 9207 §2.2."""
    told = answered(a_sender(client).ask(prompt="none"))

    assert told["error"] == "login_required"
    assert told["iss"] == settings.current().issuer


def test_the_issuer_is_the_one_of_the_metadata(client):
    """RFC 9207 §2.4: compared as strings."""
    told = answered(a_sender(client).ask(prompt="none"))

    metadata = client.get("/.well-known/openid-configuration").json
    assert told["iss"] == metadata["issuer"]
    assert metadata["authorization_response_iss_parameter_supported"] is True


class TestAttacker:
    def test_an_iss_of_the_request_is_not_the_one_of_the_answer(self, client):
        """RFC 9207 §4: mix-up."""
        told = answered(a_sender(client).ask(prompt="none", iss="https://evil.test"))

        assert told["iss"] == settings.current().issuer

    def test_a_foreign_host_is_not_answered_at_all(self, client):
        """Security case 10: no header moves the issuer."""
        office = a_sender(client)

        answer = client.get("/authorize", query_string=office.query(), headers={"Host": "evil"})

        assert answer.status_code == 400
        assert "Location" not in answer.headers
        assert not is_refused_here(answer)
