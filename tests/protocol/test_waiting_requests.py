"""Requests that wait for a person: each is bound, decided and answered by itself (design §4)."""

import uuid
from contextlib import suppress
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from sqlalchemy import select

from identity import clock, database
from identity.requested import pending
from identity.requested.records import AuthorizationRequest
from tests.asking import a_sender, waiting

pytestmark = pytest.mark.usefixtures("app")
IN_TIME, LATE = timedelta(minutes=9), timedelta(minutes=10, seconds=1)
MINE = b"m" * 32  # a browser's digest


@pytest.fixture
def office(client):
    return a_sender(client)


def kept(request_id):
    return database.row(
        select(AuthorizationRequest.__table__).where(AuthorizationRequest.id == request_id)
    )


def asked(office):
    return uuid.UUID(waiting(office.ask()))


def posted(office):
    """A request that came by a form of another site: no browser has it yet."""
    moved = office.client.post("/authorize", data=office.query())
    return uuid.UUID(parse_qs(urlsplit(moved.location).query)["request"][0])


def decide(request_id):
    pending.decide(request_id, {"citizen": "a", "grant_id": None})


class TestAttacker:
    """Another request, an answered one, and one whose time is over."""

    def test_an_answer_is_to_one_request_once_and_in_time(self, office):
        one, beside = asked(office), asked(office)

        pending.answer(one)
        with pytest.raises(pending.AlreadyAnswered):
            pending.answer(one)
        with time_machine.travel(clock.now() + LATE), pytest.raises(pending.AlreadyAnswered):
            pending.answer(beside)

        assert kept(one).answered_at is not None
        assert kept(beside).answered_at is None

    def test_a_decision_is_about_one_request_in_time(self, office):
        one, beside = asked(office), asked(office)

        with time_machine.travel(clock.now() + IN_TIME):
            decide(one)
        with time_machine.travel(clock.now() + LATE), pytest.raises(pending.AlreadyAnswered):
            decide(beside)

        assert kept(one).outcome["citizen"] == "a"
        assert kept(beside).outcome is None

    def test_a_browser_gets_no_request_but_the_one_it_opens(self, office):
        """Nor one of nobody that is over: it stays nobody's."""
        one, beside, answered, late = (posted(office) for _ in range(4))
        pending.answer(answered)

        assert pending.open_in(one, MINE).id == one
        with suppress(pending.RequestOver):
            pending.open_in(answered, MINE)
        with time_machine.travel(clock.now() + LATE), pytest.raises(pending.RequestOver):
            pending.open_in(late, MINE)
        with pytest.raises(pending.RequestOver):
            pending.open_in(one, b"another")

        owners = [kept(each).browser_digest for each in (one, beside, answered, late)]
        assert owners == [MINE, b"", b"", b""]
