"""Turns played on an event loop of their own, as a web process plays its requests."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from identity import settings
from identity.lines import USUAL, Lines
from identity.turns import Turn, current


def play(*acts, url=None, most=3, limits=USUAL):
    """What came of each act in a turn of its own, all begun together; what it raised is returned.

    An act is called with the lines; its turn has them too.
    """
    return on_a_loop(partial(_play, acts, url or settings.current().database_url, most, limits))


def asking(text, *values, is_writing=False):
    """An act that asks this and returns the row."""
    return lambda opened: opened.first_row(text, values, is_writing=is_writing)


def later(act, seconds=0.05):
    """An act that begins when those before it are on their way."""

    def begins(opened):
        asyncio.get_running_loop().call_later(seconds, current().switch)
        current().parent.switch()
        return act(opened)

    return begins


def on_a_loop(begin):
    """What the coroutine comes to, on a loop in a thread of its own.

    A browser's test before us leaves its own loop running in this one.
    """
    with ThreadPoolExecutor(1) as own:
        return own.submit(lambda: asyncio.run(begin())).result()


async def _play(acts, url, most, limits):
    loop = asyncio.get_running_loop()
    lines = Lines(loop, url, most=most, limits=limits)
    outcomes = [loop.create_future() for _ in acts]
    for act, outcome in zip(acts, outcomes, strict=True):
        Turn(partial(_tell, outcome, act, lines), lines).switch()
    try:
        return await asyncio.gather(*outcomes, return_exceptions=True)
    finally:
        lines.close()


def _tell(outcome, act, lines):
    try:
        outcome.set_result(act(lines))
    except BaseException as error:  # noqa: BLE001 - whatever it is, the test looks at it
        outcome.set_exception(error)


def in_a_turn(act):
    """What the act comes to in a turn that can ask nobody, so that it must not wait."""
    outcomes = []

    def run():
        try:
            outcomes.append((act(), None))
        except BaseException as error:  # noqa: BLE001 - raised again below
            outcomes.append((None, error))

    Turn(run, None).switch()
    ((value, error),) = outcomes
    if error is not None:
        raise error
    return value
