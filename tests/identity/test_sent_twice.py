"""The form of the code, sent again before its answer has come: one session, told twice."""

from datetime import timedelta
from typing import NamedTuple

import pytest
import time_machine
from sqlalchemy import func, select

from identity import clock, database
from identity.authentication.records import AttemptBudget, CitizenSession
from identity.factors import recovery
from identity.staff.records import StaffSession
from identity.steps import half
from identity.trail import AccessEntry
from tests.forms import a_visitor
from tests.people import (
    a_security_officer,
    barred,
    give_authenticator,
    hidden,
    lan,
    same_browser,
    submit,
)

LATE = half.GRACE + timedelta(seconds=1)


class Way(NamedTuple):
    """Of citizens or of staff: the pages, the cookies and where it leads."""

    pages: str
    cookie: str
    step: str
    onward: str
    table: type


CITIZENS = Way("/sign-in", "motlan-citizen", "motlan-step", "/my", CitizenSession)
STAFF = Way("/staff/sign-in", "motlan-staff", "motlan-staff-step", "/audit", StaffSession)


class Tapping:
    """Somebody on the page of the code."""

    def __init__(self, app, way, names, code):
        self.app, self.way, self.code = app, way, code
        self.client = a_visitor(app.test_client(), "vi")
        assert submit(self.client, way.pages, **names).status_code == 303
        self.form = hidden(self.client.get(f"{way.pages}/code"))
        self.stale = same_browser(app, self.client)  # as the browser was before any answer

    def taps(self, client=None, **more):
        told = self.form | {"one_time_code": self.code} | more
        return (client or self.stale).post(f"{self.way.pages}/code", data=told)

    def session_in(self, client):
        cookie = client.get_cookie(self.way.cookie)
        return cookie and cookie.value


@pytest.fixture(params=["citizen", "staff"])
def lien(request, app):
    if request.param == "staff":
        officer = a_security_officer()
        names = {"username": officer.username, "password": officer.password}
        return Tapping(app, STAFF, names, officer.one_time_code)
    person = lan()
    return Tapping(app, CITIZENS, names_of(person), person.one_time_code)


def names_of(person):
    return {"national_id": person.national_id, "password": person.password}


def count(table):
    return database.row(select(func.count().label("n")).select_from(table)).n


def tries():
    return sorted((bytes(r.digest), r.used) for r in database.rows(select(AttemptBudget)))


def test_the_second_answer_is_the_first_one_s(lien):
    first = lien.taps(lien.client)
    kept = [count(lien.way.table), count(AccessEntry)]

    second = lien.taps()

    assert first.location == second.location == lien.way.onward
    assert lien.session_in(lien.client) == lien.session_in(lien.stale)
    assert [count(lien.way.table), count(AccessEntry)] == kept
    assert lien.stale.get(lien.way.onward).status_code == 200


def test_it_costs_no_try(lien):
    lien.taps(lien.client)
    before = [used for _, used in tries() if used]

    lien.taps()

    assert [used for _, used in tries() if used] == before


@pytest.mark.parametrize("proof", ["app", "paper"])
def test_a_real_code_is_answered_again_too(app, proof):
    person = lan()
    codes = recovery.new_codes()
    phone = give_authenticator(person)
    with database.transaction():
        recovery.keep(person.citizen_id, codes)
    lien = Tapping(app, CITIZENS, names_of(person), phone.now() if proof == "app" else codes[0])

    places = [lien.taps(lien.client).location, lien.taps().location]

    assert places == ["/my", "/my"]
    assert recovery.left(person.citizen_id).left == len(codes) - (proof == "paper")


def test_where_somebody_was_signed_in_before_too(app):
    """To sign in again renews the session; the second answer has its new cookie."""
    person = lan()
    client = Tapping(app, CITIZENS, names_of(person), person.one_time_code)
    client.taps(client.client)
    submit(client.client, "/sign-in?request=x", **names_of(person))
    stale = same_browser(app, client.client)

    places = [client.taps(one).location for one in (client.client, stale)]

    assert places == ["/my", "/my"]
    assert client.session_in(client.client) == client.session_in(stale)
    assert stale.get("/my").status_code == 200


class TestAttacker:
    def test_another_browser_with_step_and_code_gets_nothing(self, lien):
        thief = a_visitor(lien.app.test_client(), "vi")
        thief.set_cookie(lien.way.step, lien.stale.get_cookie(lien.way.step).value)
        own = hidden(thief.get(lien.way.pages))
        lien.taps(lien.client)

        assert lien.taps(thief).status_code == 403  # the victim's form
        assert lien.taps(thief, **own).status_code == 403
        assert lien.session_in(thief) is None

    def test_every_cookie_of_the_browser_from_another_place_gets_nothing(self, lien):
        lien.taps(lien.client)
        lien.stale.environ_base["REMOTE_ADDR"] = "198.51.100.77"

        assert lien.taps().status_code == 403
        assert lien.session_in(lien.stale) is None

    def test_another_code_gets_nothing_and_counts(self, lien):
        lien.taps(lien.client)
        kept = dict(tries())

        assert lien.taps(one_time_code="999999").status_code == 403
        assert lien.session_in(lien.stale) is None
        assert dict(tries()) != kept

    def test_guessing_at_the_code_ends_with_the_budget(self, lien):
        lien.taps(lien.client)

        found = []
        for n in range(11):
            again = same_browser(lien.app, lien.stale)
            found.append(lien.taps(again, one_time_code=f"99999{n % 10}").status_code)

        assert found[-1] == 429
        assert set(found) == {403, 429}

    def test_after_a_moment_it_is_a_replay(self, lien):
        lien.taps(lien.client)

        with time_machine.travel(clock.now() + LATE, tick=False):
            assert lien.taps().status_code == 403
        assert lien.session_in(lien.stale) is None

    def test_after_signing_out_it_opens_nothing(self, lien):
        lien.taps(lien.client)
        leave = lien.way.pages.replace("-in", "-out")
        form = hidden(lien.client.get("/sign-in?request=x"))
        assert lien.client.post(leave, data=form).status_code == 303

        assert lien.taps().status_code == 403
        assert lien.session_in(lien.stale) is None

    @pytest.mark.parametrize("status", ["locked", "deceased"])
    def test_a_barred_account_gets_nothing_again(self, app, person, status):
        theirs = Tapping(app, CITIZENS, names_of(person), person.one_time_code)
        theirs.taps(theirs.client)
        barred(person, status)

        assert theirs.taps().status_code == 403
        assert theirs.session_in(theirs.stale) is None

    def test_a_step_that_bought_nothing_opens_nothing(self, lien):
        with time_machine.travel(clock.now() + half.LIFETIME, tick=False):
            assert lien.taps().status_code == 403
