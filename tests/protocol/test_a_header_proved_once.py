"""A header that proved a service is not proved again, and opens nothing more (decision 0047)."""

import pytest

from identity.errors import InvalidClient, InvalidRequest
from identity.public_services import credentials, guard, registered
from identity.public_services.guard import authenticated
from identity.registration.register import end, register
from tests.public_services import Played, a_service, a_service_with_a_key, registration, request

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def proofs(monkeypatch):
    """The requests whose credentials were looked at."""
    looked, authenticate = [], credentials.authenticate

    def look(asked):
        looked.append(asked)
        return authenticate(asked)

    monkeypatch.setattr(credentials, "authenticate", look)
    return looked


def ask(office: Played, form: dict[str, str] | None = None, *, query: str = "", secret: str = ""):
    return authenticated(request(form or {}, headers=office.basic(secret or None), query=query))


def with_a_secret(secret: str, **members) -> tuple[Played, dict]:
    told = registration(client_secret=secret, **members)
    register([told])
    return Played(told["client_id"], secret), told


def test_the_same_header_is_proved_once_while_its_registration_is_remembered(proofs):
    office = a_service()

    found = [ask(office) for _ in range(3)]

    assert len(proofs) == 1
    assert {one.client_id for one in found} == {office.client_id}


def test_it_is_proved_again_when_the_registration_was_read_again(proofs):
    """As after thirty seconds."""
    office = a_service()
    ask(office)
    registered.forget()

    ask(office)
    ask(office)

    assert len(proofs) == 2


def test_what_is_remembered_has_an_end(monkeypatch):
    monkeypatch.setattr(guard, "MOST_PROVEN", 2)
    guard._proven.clear()

    for _ in range(5):
        ask(a_service())

    assert len(guard._proven) <= 2


class TestAttacker:
    def test_a_secret_that_was_changed_proves_nothing_any_more(self):
        office, told = with_a_secret("the-first-secret-of-it")
        ask(office)
        register([told | {"client_secret": "the-second-secret-of-it"}])

        with pytest.raises(InvalidClient):
            ask(office)
        assert ask(office, secret="the-second-secret-of-it").client_id == office.client_id

    def test_nor_once_this_process_has_looked_past_its_memory(self):
        """Changed by another process: whoever shows the new secret makes this one look."""
        office, told = with_a_secret("the-first-secret-of-it")
        before = ask(office)
        register([told | {"client_secret": "the-second-secret-of-it"}])
        registered._memory.keep(before)
        ask(office, secret="the-second-secret-of-it")

        with pytest.raises(InvalidClient):
            ask(office)

    def test_a_service_that_was_ended_proves_nothing_any_more(self):
        office = a_service()
        ask(office)
        end(office.client_id)

        with pytest.raises(InvalidClient):
            ask(office)

    def test_a_method_that_was_changed_is_not_remembered(self):
        office, told = with_a_secret("the-first-secret-of-it")
        ask(office)
        register([told | {"token_endpoint_auth_method": "client_secret_post"}])

        with pytest.raises(InvalidClient):
            ask(office)

    @pytest.mark.parametrize("name", ["client_secret", "client_assertion"])
    def test_a_second_way_is_refused_beside_a_remembered_header(self, name):
        """RFC 6749 §2.3."""
        office, other = a_service(), a_service_with_a_key()
        ask(office)
        also = other.assertion() if name == "client_assertion" else office.post()

        with pytest.raises(InvalidRequest):
            ask(office, also)

    def test_the_name_of_another_is_refused_beside_a_remembered_header(self):
        office = a_service()
        ask(office)

        with pytest.raises(InvalidClient):
            ask(office, {"client_id": a_service().client_id})

    def test_a_secret_in_the_url_is_refused_beside_a_remembered_header(self):
        office = a_service()
        ask(office)

        with pytest.raises(InvalidRequest):
            ask(office, query=f"client_secret={office.secret}")

    def test_a_wrong_secret_is_looked_at_each_time(self, proofs):
        office = a_service()
        ask(office)
        before = len(proofs)

        for _ in range(2):
            with pytest.raises(InvalidClient):
                ask(office, secret="wrong-wrong-wrong-wrong")

        assert len(proofs) == before + 2

    def test_no_secret_stands_in_memory(self):
        office = a_service()
        header = office.basic()["Authorization"]
        ask(office)

        kept = repr(guard._proven)

        assert office.secret not in kept
        assert header.removeprefix("Basic ") not in kept
