"""One method for one request, said as it is registered: RFC 6749 §2.3, RFC 7521 §4.2."""

import pytest

from identity import rate
from identity.errors import InvalidClient, InvalidRequest, TooManyRequests
from identity.public_services import credentials, guard, registered
from identity.registration.register import end, register
from tests.public_services import (
    Played,
    a_service,
    a_service_with_a_key,
    authenticate,
    registration,
    request,
)

pytestmark = pytest.mark.usefixtures("app")
SECRET, NEW = "the-secret-of-this-office", "the-secret-that-came-after"


@pytest.fixture
def told():
    """What an office registered that proves itself in the header."""
    said = registration(client_secret=SECRET)
    register([said])
    return said


@pytest.fixture
def office(told):
    return Played(told["client_id"], SECRET)


def test_a_method_that_was_changed_counts_at_once(told, office):
    """The memory of 30 seconds never refuses what is right now."""
    remembered = office.service
    register([told | {"token_endpoint_auth_method": "client_secret_post"}])
    registered._memory.keep(remembered)

    assert authenticate(office.post()).version == remembered.version + 1


def test_a_header_that_proved_it_is_not_looked_at_again(office, monkeypatch):
    """Decision 0047: the digest of a secret is computed for the first of many requests."""
    proven = guard.authenticated(request(headers=office.basic()))
    monkeypatch.setattr("identity.public_services.credentials.authenticate", None)

    assert guard.authenticated(request(headers=office.basic())) is proven


def test_what_is_remembered_of_headers_has_an_end(monkeypatch):
    """Whoever has many names does not fill the memory."""
    monkeypatch.setattr(guard, "MOST_PROVEN", 3)
    for _ in range(8):
        guard.authenticated(request(headers=a_service().basic()))

        assert len(guard._proven) <= 3


def test_who_shows_no_header_proves_itself_each_time():
    """An assertion is good once, and no memory is."""
    school = a_service_with_a_key()
    form = school.assertion()

    assert guard.authenticated(request(form)).client_id == school.client_id
    with pytest.raises(InvalidClient):
        guard.authenticated(request(form))


def test_one_service_asks_as_often_as_it_may_and_leaves_room_for_another(office, monkeypatch):
    """Counted by service, also where its header is remembered."""
    monkeypatch.setattr(rate, "machines", rate.Limit(per_second=0.01, burst=2))
    for _ in range(2):
        guard.authenticated(request(headers=office.basic()))

    with pytest.raises(TooManyRequests):
        guard.authenticated(request(headers=office.basic()))
    guard.authenticated(request(headers=a_service().basic()))


class TestAttacker:
    """Security case 36, where the header alone would do."""

    @pytest.mark.parametrize(
        ("form", "query"),
        [
            ({"client_id": "another"}, ""),
            ({"client_secret": SECRET, "client_id": "another"}, ""),
            ({"client_secret": SECRET}, ""),
            ({"client_assertion": "x.y.z"}, ""),
            ({"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:x"}, ""),
            ({}, f"client_secret={SECRET}"),
            ({}, "client_assertion=x.y.z"),
        ],
    )
    def test_a_header_that_is_remembered_excuses_nothing_beside_it(self, office, form, query):
        guard.authenticated(request(headers=office.basic()))

        with pytest.raises((InvalidClient, InvalidRequest)):
            guard.authenticated(request(form, headers=office.basic(), query=query))

    def test_a_header_that_is_remembered_ends_with_its_secret(self, told, office):
        guard.authenticated(request(headers=office.basic()))
        register([told | {"client_secret": NEW}])

        with pytest.raises(InvalidClient):
            guard.authenticated(request(headers=office.basic()))

    def test_who_has_ended_proves_nothing_by_the_right_secret(self, office):
        """In a header that was remembered, or is shown for the first time since."""
        guard.authenticated(request(headers=office.basic()))
        end(office.client_id)

        for proves in (guard.authenticated, credentials.authenticate):
            with pytest.raises(InvalidClient) as refused:
                proves(request(headers=office.basic()))
            assert refused.value.note == "client: ended"

    @pytest.mark.parametrize("scheme", ["Bearer", "DPoP", "Digest", ""])
    def test_a_pair_under_another_scheme_proves_nothing(self, office, scheme):
        """RFC 7617 §2."""
        pair = office.basic()["Authorization"].removeprefix("Basic ")

        with pytest.raises(InvalidClient):
            authenticate(headers={"Authorization": f"{scheme} {pair}"})

    @pytest.mark.parametrize(
        "kind", [None, "", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"]
    )
    def test_an_assertion_is_of_the_type_that_it_says(self, kind):
        """RFC 7521 §4.2: both stand, and the type is that of RFC 7523 §2.2."""
        school = a_service_with_a_key()
        form = school.assertion() | {"client_assertion_type": kind}

        with pytest.raises(InvalidClient):
            authenticate({name: text for name, text in form.items() if text is not None})
        assert authenticate(school.assertion()).client_id == school.client_id

    def test_an_assertion_without_its_type_does_not_pass_beside_a_secret(self, office):
        with pytest.raises((InvalidClient, InvalidRequest)):
            authenticate({"client_assertion": "x.y.z"}, headers=office.basic())

    def test_the_type_alone_proves_nothing(self):
        form = a_service_with_a_key().assertion()
        del form["client_assertion"]

        with pytest.raises(InvalidClient):
            authenticate(form)
