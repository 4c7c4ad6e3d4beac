"""The staff's own sign-in: password and code, a short session, one role a page."""

from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest
import time_machine
from sqlalchemy import update

from identity import clock, database, settings
from identity.citizens import passwords
from identity.entry import NOBODY
from identity.errors import AccessDenied
from identity.language import GoElsewhere
from identity.staff import change, guard, records, sessions
from identity.staff.accounts import NO_FACTOR, Factor
from identity.staff.add import NewStaff, UnfitAccount, account, add_staff, find_staff
from identity.staff.records import Role
from identity.staff_enrolment.invite import reset
from tests.enrolling import Newcomer, enrolled
from tests.exchange import entries
from tests.people import a_security_officer, form_token, lan, sign_in, sign_in_officer, submit

LOCAL = "http://localhost:8000"


@pytest.fixture
def officer(app):  # noqa: ARG001 - staff live in an app's database
    return a_security_officer()


def told(**members):
    fields = {
        "username": f"an.{database.new_id().hex}",
        "name": "Lê Văn An",
        "role": Role.SECURITY_OFFICER,
        "unit": "Đơn vị giám sát 2",
        "password": "x",
        "factor": Factor("demo", "135790"),
    }
    return NewStaff(**(fields | members))


def cookie_of(client):
    return client.get_cookie("motlan-staff").value


def enter(app, client, wanted=guard.security_officer, *, path="/audit"):
    """What the guard of a page says to this browser."""
    headers = {"Cookie": f"motlan-staff={cookie_of(client)}"}
    with app.test_request_context(path, headers=headers, base_url=LOCAL):
        return wanted.admit()


def refusals(officer):
    """Why the log says that nobody signed in as this officer."""
    refused = [entry for entry in entries(NOBODY) if entry.type == "sign_in:refused"]
    mine = [entry for entry in refused if entry.acting.get("actor") == officer.id.hex]
    return {entry.subject["reason"] for entry in mine}


def test_password_and_code_open_a_session(app, client, officer):
    onward = sign_in_officer(client, officer)

    member = enter(app, client)
    assert onward.location == "/audit"
    assert (member.id, member.username, member.name) == (
        officer.id,
        officer.username,
        "Phạm Thu Hà",
    )
    assert (member.role, member.own_citizen_id) == (Role.SECURITY_OFFICER, None)


def test_the_pages_carry_the_promised_ids(client, officer):
    first = client.get("/staff/sign-in").text
    submit(client, "/staff/sign-in", username=officer.username, password=officer.password)
    second = client.get("/staff/sign-in/code").text

    assert all(f'id="{name}"' in first for name in ("username", "password", "submit-sign-in"))
    assert all(f'id="{name}"' in second for name in ("one-time-code", "submit-code"))


def test_the_password_alone_opens_nothing(client, officer):
    submit(client, "/staff/sign-in", username=officer.username, password=officer.password)

    assert client.get_cookie("motlan-staff") is None


@pytest.mark.parametrize("spelling", [str.upper, " {} ".format, str])
def test_a_username_may_be_typed_loosely(client, officer, spelling):
    answer = submit(
        client, "/staff/sign-in", username=spelling(officer.username), password=officer.password
    )

    assert answer.status_code == 303


def test_missing_fields_are_told(client, officer):
    answer = submit(client, "/staff/sign-in", username=officer.username)

    assert (answer.status_code, '<a href="#password">' in answer.text) == (400, True)


def test_an_authenticators_code_works_once(app):
    phone = pyotp.TOTP(pyotp.random_base32())
    officer = a_security_officer(factor=Factor("totp", phone.secret))
    code = phone.now()
    first, second = app.test_client(), app.test_client()
    for browser in (first, second):
        submit(browser, "/staff/sign-in", username=officer.username, password=officer.password)

    answers = [submit(b, "/staff/sign-in/code", one_time_code=code) for b in (first, second)]

    assert [answer.status_code for answer in answers] == [303, 403]


def test_fifteen_idle_minutes_end_a_session(client, officer):
    sign_in_officer(client, officer)
    cookie = cookie_of(client)

    with time_machine.travel(clock.now() + timedelta(minutes=14)):
        assert sessions.find(cookie) is not None
    with time_machine.travel(clock.now() + timedelta(minutes=30)):
        assert sessions.find(cookie) is None


def test_one_officers_work_keeps_no_other_session_awake(app, client, officer):
    """An unlocked screen elsewhere is closed after a quarter of an hour, whoever else works."""
    left = app.test_client()
    sign_in_officer(client, officer)
    sign_in_officer(left, a_security_officer())
    sign_in_officer(own := app.test_client(), officer)

    with time_machine.travel(clock.now() + timedelta(minutes=10)):
        assert sessions.find(cookie_of(client)) is not None
    with time_machine.travel(clock.now() + timedelta(minutes=16)):
        assert sessions.find(cookie_of(client)) is not None
        assert sessions.find(cookie_of(left)) is None
        assert sessions.find(cookie_of(own)) is None


def test_eight_hours_end_a_session_however_busy(client, officer):
    sign_in_officer(client, officer)
    cookie, began = cookie_of(client), clock.now()

    for minutes in range(10, 8 * 60, 10):
        with time_machine.travel(began + timedelta(minutes=minutes)):
            assert sessions.find(cookie) is not None

    with time_machine.travel(began + timedelta(hours=8, seconds=1)):
        assert sessions.find(cookie) is None


def test_signing_out_ends_the_session_on_the_server(app, client, officer):
    sign_in_officer(client, officer)
    cookie = cookie_of(client)
    token = form_token(app.test_client().get("/sign-in"))  # of another browser
    refused = client.post("/staff/sign-out", data={"csrf_token": token})
    assert (refused.status_code, sessions.find(cookie) is not None) == (403, True)

    own = form_token(client.get("/sign-in"))
    done = client.post("/staff/sign-out", data={"csrf_token": own})

    assert done.location == "/staff/sign-in"
    assert sessions.find(cookie) is None


def test_signing_in_again_ends_the_session_before(client, officer):
    sign_in_officer(client, officer)
    old = cookie_of(client)
    other = a_security_officer()
    page = client.get("/sign-in")  # the staff page would lead on
    token = form_token(page)
    fields = {"username": other.username, "password": other.password}
    client.post("/staff/sign-in", data={"csrf_token": token} | fields)
    code = {"csrf_token": token, "one_time_code": other.one_time_code}
    client.post("/staff/sign-in/code", data=code)

    assert sessions.find(old) is None
    assert sessions.find(cookie_of(client)).id == other.id


def test_right_answers_do_not_count_as_tries(client, officer):
    """Five in a quarter of an hour are for whoever is wrong."""
    for _ in range(6):
        assert sign_in_officer(client, officer).location == "/audit"
        client.delete_cookie("motlan-staff")


def test_signing_in_renews_a_hash_of_an_older_cost(app, client, monkeypatch):
    one = enrolled(client)
    before = records.find_by_username(one.invitation.username)
    monkeypatch.setattr(settings, "_installed", replace(settings.current(), argon2_time=2))

    assert Newcomer(app.test_client(), one.invitation).signs_in(one.codes[0]).status_code == 303

    after = records.find_by_id(before.id)
    assert ("t=1" in before.password_hash, "t=2" in after.password_hash) == (True, True)
    assert before.changed_at is not None
    assert after.changed_at == before.changed_at  # it is the same password


def test_strangers_are_sent_to_sign_in(app):
    with app.test_request_context("/audit", base_url=LOCAL), pytest.raises(GoElsewhere) as sent:
        guard.security_officer.admit()

    assert sent.value.location == "/staff/sign-in"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SECURITY_OFFICER])
def test_another_role_may_not_enter(app, client, role):
    """An operator is never a security officer."""
    sign_in_officer(client, a_security_officer(role=role))

    with pytest.raises(AccessDenied):
        enter(app, client)
    assert enter(app, client, guard.staff_member).role is role


def test_an_account_that_ended_is_nobodys(client, officer):
    sign_in_officer(client, officer)
    cookie = cookie_of(client)

    with database.transaction():
        ended = update(records.Staff).where(records.Staff.id == officer.id)
        database.write(ended.values(ended_at=clock.now()))

    assert sessions.find(cookie) is None
    answer = submit(client, "/staff/sign-in", username=officer.username, password=officer.password)
    assert answer.status_code == 403


@pytest.mark.parametrize("username", ["", "x", "a b", "ông.an", "-a", "a" * 65])
def test_what_is_no_username_is_refused(app, username):  # noqa: ARG001 - the database is the app's
    with pytest.raises(UnfitAccount):
        add_staff(told(username=username))


def test_a_username_is_never_given_twice(officer):
    with pytest.raises(UnfitAccount):
        add_staff(told(username=officer.username.upper()))
    assert find_staff(officer.username) == officer.id


def test_the_log_says_that_an_account_was_made(app):  # noqa: ARG001 - the database is the app's
    """Design §7, `staff:added`: by id, without a name."""
    new = told()

    staff_id = add_staff(new)

    made = [e for e in entries(NOBODY) if e.type == "staff:added"]
    subject = next(e.subject for e in made if e.subject["staff"] == staff_id.hex)
    assert subject == {"staff": staff_id.hex, "role": "security-officer", "unit": new.unit}


def test_a_fixed_code_needs_the_demo(app, monkeypatch):  # noqa: ARG001 - the database is the app's
    plain = replace(settings.current(), demo=False)
    monkeypatch.setattr(settings, "current", lambda: plain)

    with pytest.raises(UnfitAccount):
        add_staff(told())
    assert account(told(factor=NO_FACTOR, password=""))["password_hash"] == ""


def test_the_table_shows_neither_name_nor_second_factor(officer):
    row = records.find_by_id(officer.id)

    stored = [value for value in row if isinstance(value, bytes)]
    assert len(stored) == 3
    assert all("Phạm Thu Hà".encode() not in value for value in stored)
    assert all(officer.one_time_code.encode() not in value for value in stored)


class TestAttacker:
    def test_unknown_and_wrong_look_the_same(self, app, officer):
        answers = []
        for username in (officer.username, "nobody.here"):
            page = submit(app.test_client(), "/staff/sign-in", username=username, password="x")
            text = page.text.replace(form_token(page), "")
            answers.append((page.status_code, page.headers.get("Retry-After"), text))

        assert answers[0] == answers[1]

    def test_unknown_and_wrong_cost_the_same(self, app, officer):
        """What counts in the log is counted for nobody as well, so that time tells nothing."""
        costs, names = [], (officer.username, "nobody.here")
        with time_machine.travel(clock.now(), tick=False):  # one entry a minute, the rest counted
            for username in (*names, *names):  # the first two fill caches
                client = app.test_client()
                token = form_token(client.get("/staff/sign-in"))
                fields = {"csrf_token": token, "username": username, "password": "x"}
                with database.counted() as tally:
                    assert client.post("/staff/sign-in", data=fields).status_code == 403
                costs.append((tally.round_trips, tally.commits))

        assert costs[2] == costs[3]

    @pytest.mark.parametrize("ends", [change.leave, reset])
    def test_a_password_that_ends_while_it_is_compared_opens_nothing(
        self, client, officer, monkeypatch, ends
    ):
        real = passwords.is_right

        def slow(password, kept):
            ends(officer.username)
            return real(password, kept)

        monkeypatch.setattr(passwords, "is_right", slow)
        fields = {"username": officer.username, "password": officer.password}

        assert submit(client, "/staff/sign-in", **fields).status_code == 403
        assert client.get_cookie("motlan-staff-step") is None

    @pytest.mark.parametrize("ends", [change.leave, reset])
    def test_who_leaves_between_password_and_code_does_not_come_in(self, client, officer, ends):
        submit(client, "/staff/sign-in", username=officer.username, password=officer.password)
        ends(officer.username)

        answer = submit(client, "/staff/sign-in/code", one_time_code=officer.one_time_code)

        assert (answer.status_code, client.get_cookie("motlan-staff")) == (403, None)

    def test_five_mistakes_are_all_there_are(self, client, officer):
        statuses = [
            submit(client, "/staff/sign-in", username=officer.username, password="x").status_code
            for _ in range(6)
        ]

        assert statuses == [403] * 5 + [429]
        assert refusals(officer) == {"password", "throttled"}

    def test_five_wrong_codes_are_all_there_are(self, client, officer):
        submit(client, "/staff/sign-in", username=officer.username, password=officer.password)

        statuses = [
            submit(client, "/staff/sign-in/code", one_time_code="000000").status_code
            for _ in range(6)
        ]

        assert statuses == [403] * 5 + [429]
        assert refusals(officer) == {"code", "throttled"}

    def test_a_citizens_half_sign_in_is_no_staff_members(self, client, officer):
        citizen = lan()
        fields = {"national_id": citizen.national_id, "password": citizen.password}
        submit(client, "/sign-in", **fields)
        client.set_cookie("motlan-staff-step", client.get_cookie("motlan-step").value)

        answer = submit(client, "/staff/sign-in/code", one_time_code=citizen.one_time_code)

        assert answer.status_code == 403
        assert client.get_cookie("motlan-staff") is None
        assert officer.id is not None

    def test_a_citizens_cookie_opens_no_staff_page(self, app, client):
        sign_in(client, lan())
        client.set_cookie("motlan-staff", client.get_cookie("motlan-citizen").value)

        with pytest.raises(GoElsewhere):
            enter(app, client)

    @pytest.mark.parametrize("cookie", ["", "x", "A" * 43, "é"])
    def test_an_invented_cookie_is_nobody(self, app, cookie):  # noqa: ARG002 - as above
        assert sessions.find(cookie) is None
