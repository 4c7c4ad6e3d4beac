"""Token revocation: RFC 7009."""

import pytest

from tests.offices import an_office
from tests.people import lan

pytestmark = pytest.mark.usefixtures("app")


@pytest.mark.parametrize("revoked", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "something"])
def test_either_token_ends_both(office, revoked, hint):
    """RFC 7009 §2.1, whatever the hint."""
    bought = office.sign_in(lan())

    answer = office.post("/revoke", token=bought[revoked], token_type_hint=hint)

    assert (answer.status_code, answer.data) == (200, b"")
    assert office.userinfo(bought["access_token"]).status_code == 401
    assert office.refresh(bought["refresh_token"]).json["error"] == "invalid_grant"


def test_a_spent_refresh_token_ends_its_family_too(office):
    """Any generation proves that it is theirs."""
    bought = office.sign_in(lan())
    successor = office.refresh(bought["refresh_token"]).json

    office.post("/revoke", token=bought["refresh_token"])

    assert not office.is_active(successor["refresh_token"])


def test_another_sign_in_of_the_same_person_lives_on(office):
    """One family, not the person."""
    person = lan()
    one, other = office.sign_in(person), office.sign_in(person)

    office.post("/revoke", token=one["access_token"])

    assert office.userinfo(other["access_token"]).status_code == 200


def test_a_token_without_a_person_ends_by_its_own_id(office):
    """Design §3: alive by jti alone; and twice is once."""
    one, other = (
        office.post("/token", grant_type="client_credentials").json["access_token"]
        for _ in range(2)
    )

    statuses = [office.post("/revoke", token=one).status_code for _ in range(2)]

    assert statuses == [200, 200]
    assert not office.is_active(one)
    assert office.is_active(other)


@pytest.mark.parametrize("token", ["rubbish", "a.b.c", "ễ", "x" * 20_000])
def test_a_token_that_is_none_is_no_error(office, token):
    """RFC 7009 §2.2."""
    assert office.post("/revoke", token=token).status_code == 200


def test_a_request_without_a_token_is_refused(office):
    """RFC 7009 §2.2.1."""
    answer = office.post("/revoke", token_type_hint="access_token")

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


class TestAttacker:
    """Who revokes what is not theirs."""

    @pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
    def test_another_services_token_stays_alive_and_the_answer_does_not_tell(
        self, client, office, kind
    ):
        """RFC 7009 §2.1."""
        bought = office.sign_in(lan())

        answer = an_office(client).post("/revoke", token=bought[kind])

        assert (answer.status_code, answer.data) == (200, b"")
        assert office.userinfo(bought["access_token"]).status_code == 200

    def test_another_services_own_token_stays_alive_too(self, client, office):
        """RFC 7009 §2.1: of one that no person stands behind."""
        own = office.post("/token", grant_type="client_credentials").json["access_token"]

        answer = an_office(client).post("/revoke", token=own)

        assert (answer.status_code, answer.data) == (200, b"")
        assert office.is_active(own)

    def test_nobody_revokes_without_proof(self, client, office):
        """RFC 7009 §2.1."""
        bought = office.sign_in(lan())

        answer = client.post("/revoke", data={"token": bought["access_token"]})

        assert answer.status_code == 401
        assert office.userinfo(bought["access_token"]).status_code == 200
