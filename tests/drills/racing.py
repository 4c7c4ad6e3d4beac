"""Many acts begin at one moment, each over a connection of its own; what came of them."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from tests.drills.clients import CHANCE
from tests.drills.memory import Asked, Memory, Promised
from tests.drills.town import Resident, Town, arrive, decide
from tests.drills.wire import Answer, Browser, Office, code_in, place

CROWD = 16
HANDS = 4  # who prepares at once
LOOKERS = 3
Done = TypeVar("Done")


class Crowd:
    """Sixteen hands of one public service, spread over the web processes."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.offices = [town.office() for _ in range(CROWD)]
        self._threads = ThreadPoolExecutor(CROWD)

    def at_once(self, act: Callable[[Office], Done]) -> list[Done]:
        """All do the same at the same moment."""
        barrier = threading.Barrier(CROWD)

        def run(office: Office) -> Done:
            barrier.wait()
            return act(office)

        return list(self._threads.map(run, self.offices))

    def spread(self) -> None:
        """Everybody takes a new connection, so that the next moment meets other processes."""
        for office in self.offices:
            office.wire.close()


def in_parallel(act: Callable[[int], Done], count: int) -> list[Done]:
    """Do it for each number, a few at a time."""
    with ThreadPoolExecutor(HANDS) as threads:
        return list(threads.map(act, range(count)))


def codes(town: Town, resident: Resident, count: int) -> list[str]:
    """So many codes for one person who is signed in; nothing but who that is was asked."""
    browser = Browser(town.wire())
    return [code_in(arrive(browser, resident, town.question())) for _ in range(count)]


@dataclass(frozen=True)
class Ready:
    """A person of one decision, their browser and what their service holds."""

    browser: Browser
    decision_id: str
    access_token: str


def ready(town: Town, resident: Resident, case: str) -> Ready:
    """They signed in, decided, and the service has a token."""
    browser = Browser(town.wire())
    tokens = town.redeem(town.office(), decide(browser, town, resident, case)).json
    decision_id = tokens["authorization_details"][0]["decision_id"]
    browser.wire.close()  # the server would end it, before the turn of this person has come
    return Ready(browser, decision_id, tokens["access_token"])


def race(town: Town, one: Ready, memory: Memory) -> None:
    """Lookers fetch until they are refused; meanwhile the person withdraws."""
    page = f"/my/consents/{one.decision_id}/withdraw"
    token = one.browser.get(page).field("csrf_token")
    barrier = threading.Barrier(LOOKERS + 1)

    def look() -> None:
        office = town.office()
        barrier.wait()
        while _look(office, one, memory) == 200:
            pass

    def withdraw() -> None:
        barrier.wait()
        time.sleep(CHANCE.uniform(0, 0.03))
        assert place(one.browser.post(page, csrf_token=token)) == f"/my/consents/{one.decision_id}"
        memory.acknowledge(one.decision_id)

    _all(withdraw, *[look] * LOOKERS)
    assert _look(town.office(), one, memory) == 403


def _look(office: Office, one: Ready, memory: Memory) -> int:
    began_at = time.monotonic()
    answer = office.fetch(one.access_token)
    memory.asked.append(Asked(one.decision_id, "fetch", began_at, answer.status))
    if answer.status == 200:
        entry = answer.json["entry"]
        memory.promised.append(Promised(int(entry["id"]), entry["promise"]))
    return answer.status


def _all(*acts: Callable[[], None]) -> None:
    with ThreadPoolExecutor(len(acts)) as threads:
        for done in [threads.submit(act) for act in acts]:
            done.result()


def tally(answers: Sequence[Answer]) -> tuple[list[Answer], list[Answer]]:
    """Those that gave something, and the others."""
    given = [answer for answer in answers if answer.status == 200]
    return given, [answer for answer in answers if answer.status != 200]
