"""Every address that a service may register: none has us knock at a door inside (cases 37, 38)."""

import pytest
from marshmallow import fields

from identity import outbound
from identity.outbound import Outbound
from identity.public_services import service_keys
from identity.registration import shapes
from identity.requested import references
from identity.self_registration.wire import RegistrationSchema
from tests.asking import Sender
from tests.public_services import public_jwk
from tests.registering import a_registrar, played
from tests.request_objects import new_key
from tests.strangers import listening, says

pytestmark = pytest.mark.usefixtures("app")
INSIDE = [
    "http://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "https://[::1]:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://169.254.169.254/latest/meta-data/",
    "https://10.0.0.1/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/",
    "https://user@127.0.0.1:{port}/",
    "https://2130706433:{port}/",
]
# Never a beginning of a visit, so refused wherever it is registered.
NEVER = ("file:", "gopher:", "https://user@")
NEEDED = {
    "jwks_uri": {"token_endpoint_auth_method": "private_key_jwt"},
    "request_uris": {"jwks": {"keys": [public_jwk(new_key())]}},
}
ADDRESSED = {shapes._address, shapes._https_address, shapes._reference}


def members():
    """The names whose values are addresses, from the schema itself; true: several of them."""
    for name, field in RegistrationSchema().fields.items():
        inner = field.inner if isinstance(field, fields.List) else field
        if ADDRESSED & set(inner.validators):
            yield field.data_key or name, isinstance(field, fields.List)


@pytest.fixture
def stranger(monkeypatch):
    """Somebody inside, where nobody allowed us to go."""
    shut = Outbound()
    for name in ("get_json", "get_text", "post"):
        monkeypatch.setattr(outbound, name, getattr(shut, name))
    service_keys.forget()
    references.forget()
    with listening(says(b"{}")) as listener:
        yield listener


def test_the_addresses_are_found_in_the_schema():
    """Or the test below would walk over nothing, or forget the next one."""
    known = {name for name, _ in members()}

    assert known >= {
        *("redirect_uris", "post_logout_redirect_uris", "request_uris", "jwks_uri"),
        *("sector_identifier_uri", "initiate_login_uri", "backchannel_logout_uri"),
        *("logo_uri", "policy_uri#en", "decision_events_uri"),
    }
    named = {name for name in RegistrationSchema().fields if name.endswith(("_uri", "_uris"))}
    assert named - known == {"tls_client_auth_san_uri"}  # a name in a certificate


@pytest.mark.parametrize(("name", "is_list"), sorted(members()))
def test_nothing_that_is_registered_has_us_visit_a_place_inside(client, stranger, name, is_list):
    """Cases 37 and 38: at registration, at its change, and when the service asks for anything."""
    registrar = a_registrar(client)

    for pattern in INSIDE:
        uri = pattern.format(port=stranger.port)
        told = {name: [uri] if is_list else uri}
        answer = registrar.register(**(told | NEEDED.get(name, {})))

        assert answer.status_code in {201, 400}
        if uri.startswith(NEVER):
            assert answer.status_code == 400, uri
        if answer.status_code == 201:
            sender = Sender(client, played(answer.json))
            sender.played.key = new_key()
            client.post("/token", data=sender.played.assertion())
            sender.ask(request_uri=uri)
            sender.ask(id_token_hint="x")

    assert stranger.connections == 0
