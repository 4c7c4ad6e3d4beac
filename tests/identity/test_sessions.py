"""Citizens' sessions: found by a cookie, kept on the server, over when they must be."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import update

from identity import clock, database, sealing
from identity.authentication import guard, sessions
from identity.authentication.sessions import Proof
from identity.citizens.records import Citizen
from identity.language import GoElsewhere
from tests.people import a_security_officer, form_token, lan, minh, sign_in, submit

BROWSER = sealing.digest("a browser")
PLANTED = ("motlan-browser", "motlan-step")


def start(person, *, before=None):
    with database.transaction():
        return sessions.start(Proof(person.citizen_id, BROWSER, 2, ("pwd", "otp")), before=before)


@pytest.fixture
def endings(person):  # noqa: ARG001 - after the app, whose making clears what was joined
    """What an area above hears when sessions end."""
    heard = []
    sessions.on_end(lambda ended: heard.append((*_said(ended), database.current() is not None)))
    yield heard
    sessions._endings.pop()


def _said(ended):
    return ended.citizen_id, ended.session_id, ended.by, ended.spared


def is_signed_in(client):
    return 'id="confirm-sign-out"' in client.get("/sign-out").text


def test_a_session_says_who_and_what_was_earned(person):
    cookie = start(person).cookie

    found = sessions.find(cookie)

    assert (found.citizen_id, found.actor_id, found.mandate_id) == (
        person.citizen_id,
        person.citizen_id,
        None,
    )
    assert (found.acr, found.amr, found.account_level) == (2, ("pwd", "otp"), 2)
    assert abs(found.auth_at - clock.now()) < timedelta(seconds=10)


def test_the_cookie_is_looked_up_in_one_round_trip(person):
    """Design §9: round trips are the cost."""
    cookie = start(person).cookie

    with database.counted() as asked:
        sessions.find(cookie)

    assert (asked.round_trips, asked.commits) == (1, 0)


def test_thirty_idle_minutes_end_a_session(person):
    cookie = start(person).cookie

    with time_machine.travel(clock.now() + timedelta(minutes=29)):
        assert sessions.find(cookie) is not None
    with time_machine.travel(clock.now() + timedelta(minutes=58)):
        assert sessions.find(cookie) is not None  # it was used in between
    with time_machine.travel(clock.now() + timedelta(minutes=89)):
        assert sessions.find(cookie) is None


def test_twelve_hours_end_a_session_however_busy(person):
    cookie = start(person).cookie
    began = clock.now()

    for minutes in range(25, 12 * 60, 25):
        with time_machine.travel(began + timedelta(minutes=minutes)):
            assert sessions.find(cookie) is not None

    with time_machine.travel(began + timedelta(hours=12, seconds=1)):
        assert sessions.find(cookie) is None


def test_last_seen_is_written_at_most_once_a_minute(person):
    """Design §2.9."""
    cookie = start(person).cookie

    with time_machine.travel(clock.now() + timedelta(seconds=59)), database.counted() as early:
        sessions.find(cookie)
    with time_machine.travel(clock.now() + timedelta(seconds=61)), database.counted() as late:
        sessions.find(cookie)
        sessions.find(cookie)

    assert (early.commits, late.commits) == (0, 1)


def test_a_session_is_recalled_for_a_minute_and_never_beyond_its_end(person, monkeypatch):
    """Decision 0006: what is remembered saves a look, and says nothing of what is over."""
    cookie = start(person).cookie
    found = sessions.find(cookie)

    assert sessions.recalled(cookie) == found
    with time_machine.travel(clock.now() + timedelta(seconds=61)):
        assert sessions.recalled(cookie) is None
    late = replace(found, expires_at=clock.now())
    monkeypatch.setitem(sessions._remembered, found.digest, late)
    assert sessions.recalled(cookie) is None


def test_what_is_remembered_of_sessions_has_an_end(person, monkeypatch):
    """Whoever signs in often does not fill the memory."""
    monkeypatch.setattr(sessions, "MOST_REMEMBERED", 3)
    for _ in range(6):
        sessions.find(start(person).cookie)

        assert len(sessions._remembered) <= 3


def test_a_session_that_has_ended_gets_no_new_cookie(person):
    """Whoever changes a password in it at that very moment has to sign in again."""
    session = sessions.find(start(person).cookie)
    sessions.end(session)

    with database.transaction():
        assert not sessions.renew_cookie(session)


def test_signing_in_again_keeps_the_session_and_kills_its_old_cookie(person, endings):
    """Step-up and re-authentication: what was granted in the session stays."""
    old = start(person)
    before = sessions.find(old.cookie)

    new = start(person, before=before)

    assert new.session_id == old.session_id
    assert sessions.find(old.cookie) is None
    assert sessions.find(new.cookie).auth_at > before.auth_at
    assert endings == []


def test_another_person_in_the_same_browser_ends_the_first_ones_session(person, endings):
    old = start(person)
    before = sessions.find(old.cookie)

    start(minh(), before=before)

    assert sessions.find(old.cookie) is None
    assert endings == [(person.citizen_id, old.session_id, "another-person", None, True)]


def test_a_session_that_ended_meanwhile_is_not_revived(person):
    old = start(person)
    before = sessions.find(old.cookie)
    sessions.end(before)

    new = start(person, before=before)

    assert new.session_id != old.session_id
    assert sessions.find(old.cookie) is None


def test_what_hangs_on_a_session_ends_in_the_same_transaction(person, endings):
    session = sessions.find(start(person).cookie)

    sessions.end(session)

    assert endings == [(person.citizen_id, session.id, "sign-out", None, True)]


def test_a_failing_ending_leaves_the_session_alive(person):
    """All or nothing: a signed-out person has no living tokens."""
    cookie = start(person).cookie

    def fail(_ended):
        raise RuntimeError("the tokens could not be ended")

    sessions.on_end(fail)
    try:
        with pytest.raises(RuntimeError):
            sessions.end(sessions.find(cookie))
    finally:
        sessions._endings.pop()

    assert sessions.find(cookie) is not None


def test_everywhere_means_every_session_of_that_person_alone(person, endings):
    cookies = [start(person).cookie for _ in range(3)]
    other = start(minh()).cookie

    sessions.end_everywhere(person.citizen_id, "sign-out-everywhere")

    assert [sessions.find(cookie) for cookie in cookies] == [None] * 3
    assert sessions.find(other) is not None
    assert endings == [(person.citizen_id, None, "sign-out-everywhere", None, True)]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"status": "locked"}, "locked"),
        ({"status": "deceased", "deceased_on": "2026-11-01"}, "deceased"),
        ({"password": "một mật khẩu khác"}, "password-change"),
    ],
)
def test_a_lock_a_death_and_a_new_password_end_every_session(person, endings, change, why):
    """Security case 22."""
    cookie = start(person).cookie

    lan(national_id=person.national_id, **change)

    assert sessions.find(cookie) is None
    assert endings == [(person.citizen_id, None, why, None, True)]


@pytest.mark.parametrize("status", ["locked", "deceased"])
def test_an_account_that_is_not_active_has_no_session(person, status):
    """Whatever became of the session itself."""
    cookie = start(person).cookie
    hers = Citizen.citizen_id == person.citizen_id
    with database.transaction():
        database.write(update(Citizen).where(hers).values(status=status))

    assert sessions.find(cookie) is None


def test_a_page_of_citizens_sends_strangers_to_sign_in_and_back(app):
    with (
        app.test_request_context("/my/access?page=2", base_url="http://localhost:8000"),
        pytest.raises(GoElsewhere) as sent,
    ):
        guard.citizen.admit()

    assert sent.value.location == "/sign-in?next=/my/access%3Fpage%3D2"


def test_a_form_that_cannot_be_opened_again_leads_to_the_first_page(app):
    with (
        app.test_request_context("/nowhere", method="POST", base_url="http://localhost:8000"),
        pytest.raises(GoElsewhere) as sent,
    ):
        guard.citizen.admit()

    assert sent.value.location == "/sign-in?next=/my"


class TestAttacker:
    @pytest.mark.parametrize("cookie", ["x", "A" * 43, "A" * 200, "é", "'; --"])
    def test_an_invented_cookie_is_nobody(self, client, cookie):
        client.set_cookie("motlan-citizen", cookie)

        assert not is_signed_in(client)

    def test_a_handle_of_another_purpose_is_nobody(self, person):
        text, _digest = sealing.new_handle(person.citizen_id, "refresh")

        assert sessions.find(text) is None

    def test_a_genuine_handle_without_a_row_is_nobody(self, person):
        text, _digest = sealing.new_handle(person.citizen_id, sessions.PURPOSE)

        assert sessions.find(text) is None

    def test_a_cookie_set_before_the_sign_in_is_worth_nothing_after_it(self, app, person):
        """Security case 14, ASVS 7.2.4: no fixation."""
        victim, attacker = app.test_client(), app.test_client()
        planted = start(minh()).cookie
        for browser in (victim, attacker):
            browser.set_cookie("motlan-citizen", planted)

        sign_in(victim, person, query="?request=a")

        assert victim.get_cookie("motlan-citizen").value != planted
        assert not is_signed_in(attacker)

    def test_the_cookie_of_before_the_sign_out_is_dead(self, app, person):
        """Security case 15."""
        client, thief = app.test_client(), app.test_client()
        sign_in(client, person)
        stolen = client.get_cookie("motlan-citizen").value

        submit(client, "/sign-out")
        thief.set_cookie("motlan-citizen", stolen)

        assert not is_signed_in(thief)

    def test_the_cookie_is_closed_to_scripts_and_other_sites(self, client, person):
        """Security case 15, on the loopback issuer."""
        sent = sign_in(client, person).headers.getlist("Set-Cookie")
        ours = next(each for each in sent if each.startswith("motlan-citizen="))

        assert "HttpOnly" in ours
        assert "SameSite=Lax" in ours
        assert "Path=/" in ours
        assert "Domain" not in ours
        assert "Max-Age" not in ours

    def test_over_https_every_cookie_is_bound_to_the_host(self, another_app, settings, person):
        """Security case 15: the person's, the staff member's, the browser's, the half sign-in's."""
        client = another_app(replace(settings, issuer="https://id.test")).test_client()
        officer, sent = a_security_officer(), []

        def send(path, **fields):
            page = client.get(path)
            told = {"csrf_token": form_token(page)} | fields
            answer = client.post(path, data=told, headers={"Origin": "https://id.test"})
            sent.extend(page.headers.getlist("Set-Cookie"))
            sent.extend(answer.headers.getlist("Set-Cookie"))

        send("/sign-in", national_id=person.national_id, password=person.password)
        send("/sign-in/code", one_time_code=person.one_time_code)
        send("/staff/sign-in", username=officer.username, password=officer.password)
        send("/staff/sign-in/code", one_time_code=officer.one_time_code)

        kinds = ("browser", "step", "citizen", "staff-step", "staff")
        assert {each.partition("=")[0] for each in sent} == {f"__Host-motlan-{k}" for k in kinds}
        for each in sent:
            attributes = set(each.split("; ")[1:])
            assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= attributes
            assert "Domain" not in each

    @pytest.mark.parametrize("is_planted", [True, False])
    def test_whoever_planted_every_cookie_is_not_signed_in_with_the_victim(
        self, app, person, is_planted
    ):
        """Security case 14: before the sign-in or half way through it."""
        victim, attacker = app.test_client(), app.test_client()
        own = minh()
        submit(attacker, "/sign-in", national_id=own.national_id, password=own.password)
        planted = {name: attacker.get_cookie(name).value for name in PLANTED}
        if is_planted:
            for name, value in planted.items():
                victim.set_cookie(name, value)

        sign_in(victim, person)

        for name, value in planted.items():
            attacker.set_cookie(name, value)
        assert not is_signed_in(attacker)
        assert sessions.find(victim.get_cookie("motlan-citizen").value).citizen_id == (
            person.citizen_id
        )

    def test_a_session_id_is_no_cookie(self, person):
        started = start(person)

        assert sessions.find(str(started.session_id)) is None
        assert sessions.find(uuid.UUID(int=0).hex) is None
