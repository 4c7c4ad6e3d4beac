"""An answer straight back, before Flask is asked: the same as the page's (decision 0003)."""

import re
import sqlite3

import pytest
import time_machine
from flask import request_started
from sqlalchemy import update

from identity import ahead, browser, clock, database
from identity.authentication import sessions
from identity.authentication.records import CitizenSession
from identity.authorization import authorize, subjects
from identity.citizens.records import Citizen, Status
from tests.asking import a_sender, answered, signed_in
from tests.people import lan

pytestmark = pytest.mark.usefixtures("catalogues")
OF_REQUESTS = ("X-Request-Id", "Set-Cookie")
CHANCE = re.compile(r"[A-Za-z0-9_.-]{32,}")  # codes, tokens, ids
UNMET = '{"id_token": {"acr": {"essential": true, "value": "vn:auth:4"}}}'
STRAIGHT = [
    {},
    {"state": None, "nonce": None},
    {"state": "a b&c=đ/~+%"},
    {"prompt": "none"},
    {"acr_values": "vn:auth:2", "max_age": "3600"},
    {"scope": "openid offline_access unknown"},
    {"login_hint": "somebody", "display": "page"},
    {"redirect_uri": None, "with_query": True},
    {"scope": "profile"},
    {"scope": "openid profile", "prompt": "none"},
    {"response_type": "token"},
    {"response_type": None},
    {"response_mode": "fragment"},
    {"code_challenge": None},
    {"code_challenge_method": "plain"},
    {"prompt": "none login"},
    {"claims": UNMET},
    {"claims": "{"},
    {"state": ["one", "two"]},
    {"state": "x" * 1025},
    {"registration": "{}"},
    {"resource": "https://elsewhere.example"},
    {"grant_management_action": "merge"},
]
PASSED_ON = [
    {"scope": "openid profile"},
    {"prompt": "login"},
    {"prompt": "consent", "scope": "openid profile"},
    {"response_mode": "form_post"},
    {"response_mode": "jwt"},
    {"client_id": "nobody"},
    {"client_id": None},
    {"redirect_uri": "https://elsewhere.example/"},
    {"redirect_uri": ["https://a.example/", "https://b.example/"]},
    {"request": "x"},
    {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
    {"client_id": "nobody", "ui_locales": "en"},
    {"nonce": "\x00"},
]


@pytest.fixture
def sender(client):
    """Somebody signed in, at a service with two ways back."""
    sender = a_sender(
        client, redirect_uris=["https://a.example/back", "https://a.example/back?from=us"]
    )
    signed_in(client, lan())
    return sender


def told(sender, told):
    """The parameters of a case; `with_query` takes the other way back."""
    if not told.get("with_query"):
        return told
    return {"redirect_uri": sender.service.redirect_uris[1]}


@pytest.fixture
def pages(app):
    """Where Flask was asked: one entry for each time."""
    asked = []

    def note(*_sender, **_more):
        asked.append(1)

    with request_started.connected_to(note, app):
        yield asked


def ask(sender, *, is_ahead=True, **changed):
    """The answer but for what is chance, and how often something was written."""
    if not is_ahead:  # as what the door has passed on
        sender.client.environ_base[ahead.PASSED_ON] = None
    with database.counted() as tally:
        answer = sender.ask(**changed)
    sender.client.environ_base.pop(ahead.PASSED_ON, None)
    headers = {name: CHANCE.sub("*", value) for name, value in answer.headers}
    for name in OF_REQUESTS:
        headers.pop(name, None)
    return (answer.status_code, headers, CHANCE.sub("*", answer.text)), tally.commits


@pytest.mark.parametrize("case", STRAIGHT, ids=str)
def test_what_needs_no_page_goes_straight_back_as_the_page_would_send_it(sender, pages, case):
    changed = told(sender, case)

    straight = ask(sender, **changed)

    assert not pages
    assert straight == ask(sender, is_ahead=False, **changed)
    assert straight[0][0] == 303


@pytest.mark.parametrize("case", PASSED_ON, ids=str)
def test_what_needs_a_page_has_done_nothing_before(sender, pages, case):
    passed_on = ask(sender, **case)

    assert pages == [1]
    assert passed_on == ask(sender, is_ahead=False, **case)


def test_a_code_that_came_straight_back_buys_what_any_does(sender, pages):
    code = answered(sender.ask())["code"]

    assert not pages
    assert sender.redeem(code).status_code == 200


class TestByMemory:
    """A session seen a moment ago is not looked up, but asked for in the statement of the code."""

    @pytest.fixture
    def person(self):
        return lan()

    @pytest.fixture
    def sender(self, client, person):
        """Somebody whose session this process has just seen."""
        signed_in(client, person)
        sender = a_sender(client)
        assert "code=" in sender.ask().location
        return sender

    def change(self, table, person, **values):
        with database.transaction():
            database.write(update(table).where(table.citizen_id == person.citizen_id), values)

    def trips(self, sender):
        """Where the answer leads, and how many statements it took."""
        with database.counted() as tally:
            location = sender.ask().location
        return "code=" in location, tally.round_trips

    def test_it_is_asked_for_in_the_one_statement(self, sender):
        assert self.trips(sender) == (True, 1)

    @pytest.mark.parametrize("status", [Status.LOCKED, Status.DECEASED])
    def test_an_account_that_was_shut_has_no_code(self, sender, person, status):
        self.change(Citizen, person, status=status)

        assert not self.trips(sender)[0]

    def test_a_session_that_ended_in_another_process_has_no_code(self, sender, person):
        self.change(CitizenSession, person, ended_at=clock.now())

        assert not self.trips(sender)[0]

    def test_a_cookie_that_was_replaced_has_no_code(self, sender, person):
        self.change(CitizenSession, person, digest=b"of another cookie")

        assert not self.trips(sender)[0]

    def test_another_sign_in_or_level_is_looked_at_anew(self, sender, person):
        for table, values in (
            (CitizenSession, {"auth_at": clock.now()}),
            (Citizen, {"account_level": 1}),
        ):
            self.change(table, person, **values)

            assert self.trips(sender) > (True, 1)
            assert self.trips(sender) == (True, 1)

    @pytest.mark.parametrize("is_ahead", [True, False], ids=["door", "page"])
    def test_one_that_ends_while_the_code_is_made_has_none(
        self, sender, person, monkeypatch, is_ahead
    ):
        """Whoever looked it up just before: the statement asks itself."""
        usual = subjects.clauses

        def end_meanwhile(*asked):
            self.change(CitizenSession, person, ended_at=clock.now())
            return usual(*asked)

        monkeypatch.setattr(subjects, "clauses", end_meanwhile)

        (status, headers, _body), _commits = ask(sender, is_ahead=is_ahead)

        assert (status, headers["Location"]) == (303, "/sign-in?request=*")

    @pytest.mark.parametrize(("minutes", "is_signed_in"), [(1, True), (31, False)])
    def test_it_is_looked_up_again_after_a_minute(self, sender, minutes, is_signed_in):
        """So that its last use is written, and that it is over when nobody used it."""
        with time_machine.travel(clock.now().timestamp() + 60 * minutes + 1, tick=True):
            found, trips = self.trips(sender)

        assert (found, trips > 1) == (is_signed_in, True)


class TestAttacker:
    def ended(self, sender):
        cookie = sender.client.get_cookie(browser.cookie_name("citizen"))
        sessions.end(sessions.find(cookie.value))
        return cookie.value

    def test_without_a_session_nobody_goes_straight_back(self, client, pages):
        answer = a_sender(client).ask()

        assert (answer.status_code, pages) == (303, [1])
        assert answer.location.startswith("/sign-in?request=")

    def test_an_ended_session_is_none(self, sender, pages):
        self.ended(sender)

        assert sender.ask().location.startswith("/sign-in?request=")
        assert pages == [1]

    def bare(self, sender, *cookies, **more):
        """Sent by a browser with just these cookies of that one name; whether it got a code."""
        name = browser.cookie_name("citizen")
        told = "x=1;" + " ; ".join(f"{name}={cookie}" for cookie in cookies)
        another = sender.client.application.test_client(use_cookies=False)
        asked = {"query_string": sender.query(), "headers": {"Cookie": told}} | more
        return "code=" in another.get("/authorize", **asked).location

    def test_a_forged_cookie_is_no_session(self, sender):
        cookie = sender.client.get_cookie(browser.cookie_name("citizen")).value

        assert self.bare(sender, cookie)
        assert not any(self.bare(sender, one) for one in ("", "x", cookie + "x", cookie[:-1]))

    def test_of_two_cookies_both_doors_read_the_same(self, sender):
        dead = self.ended(sender)
        signed_in(sender.client, lan())
        alive = sender.client.get_cookie(browser.cookie_name("citizen")).value
        paged = {"environ_overrides": {ahead.PASSED_ON: None}}

        assert self.bare(sender, alive, dead) is self.bare(sender, alive, dead, **paged) is True
        assert self.bare(sender, dead, alive) is self.bare(sender, dead, alive, **paged) is False

    def test_nobody_can_say_from_outside_that_the_door_has_passed_on(self, sender, pages):
        sender.client.get(
            "/authorize", query_string=sender.query(), headers={"motlan.passed-on": "x"}
        )

        assert not pages


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("said"), 500), (sqlite3.OperationalError("said"), 503)]
)
def test_an_accident_is_a_page_and_happens_once(sender, monkeypatch, error, status):
    """Not looked at twice: a database that is away keeps each of the two waiting."""
    tries = []

    def fail(_visit):
        tries.append(1)
        raise error

    monkeypatch.setattr(authorize, "look", fail)

    answer = sender.ask()

    assert (answer.status_code, tries, answer.mimetype) == (status, [1], "text/html")
    assert "said" not in answer.text
    assert (answer.headers.get("Retry-After") == "5") == (status == 503)


def test_what_passes_on_is_no_accident():
    """`serve` answers every exception; this is none."""
    assert not issubclass(ahead.PassedOn, Exception)
