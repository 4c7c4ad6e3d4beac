"""Turns of one loop: they are used again, and know nothing of the request before."""

import asyncio
import gc
import weakref
from functools import partial

import pytest

from identity import turns
from identity.turns import Turns
from tests.turns import on_a_loop


def played(act):
    """What an act with the turns of a running loop returned, when the loop has nothing more."""

    async def play():
        loop = asyncio.get_running_loop()
        seen = act(Turns(loop, None))
        await asyncio.sleep(0)
        return seen

    return on_a_loop(play)


class Asked:
    """What a request leaves in memory."""


def test_one_that_is_over_answers_the_next_and_remembers_nothing():
    def act(made):
        seen = []

        def answer():
            seen.append((turns.current(), turns.current().has_written))
            turns.current().has_written = True

        for _ in range(3):
            made.begin(answer)
        return seen

    first, *others = played(act)

    assert others == [first, first]
    assert first[1] is False


def test_one_that_waits_answers_nobody_else_meanwhile():
    def act(made):
        seen = []

        def waits():
            seen.append(turns.current())
            assert turns.current().parent.switch() == "its row"
            seen.append(turns.current())

        made.begin(waits)
        made.begin(lambda: seen.append(turns.current()))
        seen[0].switch("its row")
        return seen

    one, other, again = played(act)

    assert one is again
    assert one is not other


def test_what_begins_in_a_turn_waits_for_the_loop():
    """A client has sent two requests at once: the second is not answered inside the first."""

    def act(made):
        seen = []

        def first():
            made.begin(lambda: seen.append(turns.current().parent))
            seen.append("first is over")

        made.begin(first)
        seen.append(turns.getcurrent())
        return seen

    said, loop, parent = played(act)

    assert said == "first is over"
    assert parent is loop


def test_one_that_broke_is_not_used_again():
    def act(made):
        seen = []

        def breaks():
            seen.append(turns.current())
            raise KeyError("broken")

        with pytest.raises(KeyError):
            made.begin(breaks)
        made.begin(lambda: seen.append(turns.current()))
        return seen

    broken, next_one = played(act)

    assert broken is not next_one
    assert broken.dead


def test_no_more_than_some_are_kept(monkeypatch):
    monkeypatch.setattr(turns, "MOST_FREE", 1)

    def act(made):
        seen = []

        def waits():
            seen.append(turns.current())
            turns.current().parent.switch()

        for _ in range(3):
            made.begin(waits)
        for one in seen:
            one.switch()
        return [one.dead for one in seen]

    assert played(act) == [False, True, True]


class TestAttacker:
    def test_nobodys_request_stays_with_a_turn_that_is_over(self):
        def act(made):
            asked = Asked()
            made.begin(partial(bool, asked))
            return made, weakref.ref(asked)

        _made, asked = played(act)
        gc.collect()

        assert asked() is None
