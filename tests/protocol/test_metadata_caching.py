"""What a process remembers of public services, and how long: RFC 7517 §5, OIDC Core §10.1.1."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from identity import database
from identity.errors import InvalidClient
from identity.public_services import registered, service_jws, service_keys
from tests.public_services import a_service, a_service_with_a_key, authenticate, public_jwk

pytestmark = pytest.mark.usefixtures("app")


def looks(act):
    """How often the database was asked meanwhile."""
    with database.counted() as tally:
        act()
    return tally.round_trips


class Address:
    """A `jwks_uri` that shows a key, until it breaks."""

    def __init__(self, server):
        self.server, self.key = server, ec.generate_private_key(ec.SECP256R1())
        self.uri = server.url_for("/jwks")
        self.show()

    def show(self):
        self.server.expect_request("/jwks").respond_with_json({"keys": [public_jwk(self.key)]})

    def breaks(self):
        self.server.clear_all_handlers()
        self.server.expect_request("/jwks").respond_with_data("no", status=500)

    @property
    def asked(self):
        return len(self.server.log)


@pytest.fixture
def address(httpserver):
    return Address(httpserver)


@pytest.fixture
def office(address):
    office = a_service_with_a_key(jwks=None, jwks_uri=address.uri)
    office.key = address.key
    return office


def aged(office, seconds):
    """Its keys were fetched so long ago, and asked for a minute ago at least."""
    service = registered.find(office.client_id)
    kept = service_keys._fetched._of(service.id, service.jwks_uri)
    kept.got_at -= seconds
    kept.tried_at -= seconds + service_keys.PAUSE_SECONDS


def test_a_service_is_read_once_in_half_a_minute(monkeypatch):
    office = a_service()
    registered.find(office.client_id)

    assert looks(lambda: registered.find(office.client_id)) == 0
    monkeypatch.setattr(registered, "REMEMBERED_SECONDS", 0.0)
    registered.again(registered.find(office.client_id))
    assert looks(lambda: registered.find(office.client_id)) > 0


def test_half_a_minute_is_all():
    assert registered.REMEMBERED_SECONDS == 30.0


def test_its_keys_are_read_once(office):
    """The numbers of a key make one object, however many assertions it proves."""
    authenticate(office.assertion())
    before = service_jws._of.cache_info()

    for _ in range(3):
        authenticate(office.assertion())

    after = service_jws._of.cache_info()
    assert (after.hits - before.hits, after.misses - before.misses) == (3, 0)


def test_fetched_keys_are_kept_for_ten_minutes(office, address):
    for _ in range(3):
        authenticate(office.assertion())
    assert address.asked == 1

    aged(office, service_keys.FRESH_SECONDS)

    authenticate(office.assertion())
    assert address.asked == 2


def test_an_address_that_does_not_answer_costs_nobody_anything_for_an_hour(office, address):
    authenticate(office.assertion())
    address.breaks()
    aged(office, service_keys.FRESH_SECONDS)

    for _ in range(3):
        assert authenticate(office.assertion()).client_id == office.client_id
    assert address.asked == 2  # and is asked once a minute


def test_after_an_hour_such_keys_prove_nothing(office, address):
    authenticate(office.assertion())
    address.breaks()
    aged(office, service_keys.LONGEST_SECONDS)

    with pytest.raises(InvalidClient):
        authenticate(office.assertion())


def test_another_address_is_asked_at_once(office, httpserver):
    """RFC 7591 §2: the registration says where, and what was fetched elsewhere is forgotten."""
    authenticate(office.assertion())
    service = registered.find(office.client_id)
    elsewhere = ec.generate_private_key(ec.SECP256R1())
    httpserver.expect_request("/other").respond_with_json({"keys": [public_jwk(elsewhere)]})

    keys = service_keys._fetched.matching(
        service.id, httpserver.url_for("/other"), is_wanted=lambda _key: True
    )

    assert keys == (public_jwk(elsewhere),)


class TestAttacker:
    """Names services that nobody registered, and many of them."""

    def test_nobody_fills_the_memory_with_names(self):
        before = len(registered._memory._kept)

        for number in range(50):
            assert registered.find(f"nobody-{number}") is None

        assert len(registered._memory._kept) == before

    def test_nor_with_services(self, monkeypatch):
        monkeypatch.setattr(registered, "MOST_REMEMBERED", 4)

        for _ in range(4):
            registered.find(a_service().client_id)

        assert len(registered._memory._kept) <= 5
