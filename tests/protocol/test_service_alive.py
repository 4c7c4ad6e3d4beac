"""How soon a public service that was ended gets no token for itself (decision 0032)."""

import pytest
from sqlalchemy import update

from identity import database
from identity.database import transaction
from identity.provider import client_credentials
from identity.public_services import registered
from identity.public_services.records import PublicService
from tests.offices import an_office
from tests.people import lan
from tests.public_services import registered_elsewhere


@pytest.fixture
def office(client):
    client_credentials.forget()
    return an_office(client)


def ended_elsewhere(office):
    """By another process: this one is told nothing."""
    mine = PublicService.id == office.service.id
    with transaction():
        database.write(update(PublicService).where(mine).values(is_active=False))


def asked(office):
    return office.post("/token", grant_type="client_credentials").status_code


def a_second_later():
    for version in client_credentials._seen:
        client_credentials._seen[version] -= client_credentials.REMEMBERED_SECONDS


def test_a_service_that_was_ended_has_one_second_more_and_not_two(office):
    before = asked(office)
    ended_elsewhere(office)
    within = asked(office)
    a_second_later()

    assert (before, within, asked(office)) == (200, 200, 401)


def test_what_it_got_then_is_dead_at_once_where_we_are_asked(office):
    asked(office)
    ended_elsewhere(office)
    token = office.post("/token", grant_type="client_credentials").json["access_token"]

    assert not office.is_active(token)


def test_it_gets_nothing_about_a_person_from_that_moment_on(office):
    """Whatever proves it is remembered: the statement that spends looks itself."""
    code, bought = office.authorize(lan()), office.sign_in(lan())
    before, remembered = office.userinfo(bought["access_token"]).status_code, office.service
    ended_elsewhere(office)

    redeemed = office.redeem(code)
    registered._memory.keep(remembered)
    refreshed = office.refresh(bought["refresh_token"])
    registered._memory.keep(remembered)
    after = office.userinfo(bought["access_token"]).status_code

    assert redeemed.json["error"] == refreshed.json["error"] == "invalid_grant"
    assert (before, after) == (200, 401)


def test_one_second_is_all():
    assert client_credentials.REMEMBERED_SECONDS == 1.0


def test_as_many_as_are_remembered_and_no_more(office):
    most = range(client_credentials.MOST_REMEMBERED)
    client_credentials._seen |= dict.fromkeys([(n, 1) for n in most], 0.0)

    assert asked(office) == 200
    assert len(client_credentials._seen) == 1


def test_a_service_that_nobody_saw_alive_is_looked_at(office):
    ended_elsewhere(office)

    assert asked(office) == 401


def test_another_version_is_looked_at_anew(office):
    """What was seen of one registration says nothing of the next."""
    asked(office)
    registered_elsewhere(office.service)
    ended_elsewhere(office)
    registered.forget()

    assert asked(office) == 401
