"""Grants go when nothing hangs on them any more, so that their table does not grow for ever."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from identity import clock, database, worker
from identity.database import transaction
from identity.granted import grants, sweeping
from identity.granted.records import GrantState, ServiceGrant
from identity.tokens import families
from tests.offices import a_decision
from tests.people import lan

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture(autouse=True)
def from_the_start(monkeypatch):
    """The whole way, in steps of two."""
    monkeypatch.setattr(sweeping, "_swept", [(sweeping._FIRST, sweeping._FIRST)])
    monkeypatch.setattr(sweeping, "SWEEP", 2)


def grants_of(person):
    held = select(ServiceGrant.id).where(ServiceGrant.citizen_id == person.citizen_id)
    return {row.id for row in database.rows(held)}


def everything_is_swept():
    """A whole round: until the walk is back at the first key."""
    worker.purge()
    while True:
        sweeping.sweep()
        if sweeping._swept == [(sweeping._FIRST, sweeping._FIRST)]:
            return


def after(passed):
    return time_machine.travel(clock.now() + passed, tick=False)


OVER = families.ONLINE_LIFETIME + timedelta(days=3)


def test_what_a_grant_gave_is_dead_with_it_whatever_stands_beside_it(office):
    """Design §4: the head row is the truth, even where a family or a code says otherwise."""
    person = lan()
    bought, code = office.sign_in(person), office.authorize(person)
    hers = ServiceGrant.citizen_id == person.citizen_id
    with transaction():
        database.write(update(ServiceGrant).where(hers).values(state=GrantState.ENDED))

    assert office.userinfo(bought["access_token"]).status_code == 401
    assert not office.is_active(bought["access_token"])
    assert not office.is_active(bought["refresh_token"])
    assert office.refresh(bought["refresh_token"]).json["error"] == "invalid_grant"
    assert office.redeem(code).json["error"] == "invalid_grant"


def test_many_sign_ins_leave_nothing_once_their_tokens_are_over(office):
    person = lan()
    for _ in range(5):
        office.sign_in(person)
        office.authorize(person)  # and a code that nobody redeemed
    assert len(grants_of(person)) == 10

    with after(OVER):
        everything_is_swept()

    assert grants_of(person) == set()


def test_a_grant_that_carries_a_decision_or_a_living_family_stays(office):
    """What a person decided is taken into the next grant from there."""
    person = lan()
    decided = office.authorize(person, decisions=(a_decision(),)).grant_id
    offline = office.authorize(person, scope="openid offline_access")
    assert office.redeem(offline).status_code == 200

    with after(OVER):
        everything_is_swept()

    assert grants_of(person) == {decided, offline.grant_id}


def test_a_fresh_grant_stays_though_its_code_is_not_written_yet(office):
    person = lan()
    with database.transaction():
        fresh = grants.open_grant(
            citizen_id=person.citizen_id,
            actor_id=person.citizen_id,
            mandate_id=None,
            public_service_id=office.service.id,
            scope="openid",
        )

    everything_is_swept()

    assert grants_of(person) == {fresh}


def test_the_walk_goes_on_where_it_stopped(office):
    """A turn is bounded, and the next one does not begin anew."""
    for _ in range(5):
        office.sign_in(lan())

    sweeping.sweep()
    (first,) = sweeping._swept
    sweeping.sweep()
    (second,) = sweeping._swept

    # Both keys: the first of the table may have many grants, whatever other tests did.
    assert (sweeping._FIRST, sweeping._FIRST) < first < second
