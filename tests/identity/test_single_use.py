"""What is good once: for one request, which may begin anew in a thread, and for nobody else."""

from datetime import timedelta

import pytest

from identity import clock, sealing, single_use, turns
from identity.public_services import records
from identity.together import Clause
from identity.turns import Turns
from tests.public_services import request
from tests.turns import on_a_loop

pytestmark = pytest.mark.usefixtures("app")


def one_use(name: str) -> tuple[bytes, Clause]:
    digest = sealing.digest(name)
    return digest, records.spent(digest, clock.now() + timedelta(minutes=1))


def test_a_request_that_begins_anew_is_no_replay_of_itself():
    """The rest of it may need a thread, and then it is read from the beginning."""
    digest, clause = one_use("begins anew")
    asked, another = request(), request()

    told = [single_use.spend(asked, digest, by=clause) for _ in "ab"]

    assert told == [True, True]
    assert [single_use.is_own(one, digest) for one in (asked, another)] == [True, False]
    assert not single_use.spend(another, digest, by=clause)


def test_what_a_request_has_spent_says_nothing_of_anything_else():
    (first, by_first), (second, by_second) = one_use("the first"), one_use("the second")
    single_use.spend(request(), second, by=by_second)
    asked = request()

    assert single_use.spend(asked, first, by=by_first)
    assert not single_use.is_own(asked, second)
    assert not single_use.spend(asked, second, by=by_second)


@pytest.mark.parametrize("before", [False, True])
def test_a_turn_that_spent_something_may_still_leave_the_rest_to_a_thread(monkeypatch, before):
    """Of the spending alone; what was written before it keeps the turn where it is."""

    def writes(_clause):
        turns.current().has_written = True
        return {}

    monkeypatch.setattr(single_use, "together", writes)
    digest, clause = one_use("in a turn")
    seen = []

    def answer():
        turns.current().has_written = before
        single_use.spend(request(), digest, by=clause)
        seen.append(turns.current().has_written)

    async def play():
        Turns(None, None).begin(answer)

    on_a_loop(play)

    assert seen == [before]
