"""Keys change every ten seconds while services verify what is signed."""

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field

from tests import public_services
from tests.drills.town import SECRET, VERIFIER, Town, arrive
from tests.drills.verifying import ALGORITHMS, READERS, Copy
from tests.drills.wire import Browser, NotGiven, Office, code_in
from tests.public_services import Played

KEPT_SECONDS = 5  # how long the copies of the keys are good, here
EVERY_SECONDS = 10
BREATH_SECONDS = 0.1  # who rotates needs the processor too
REMEMBERED = 400  # tokens that are verified again later


def services() -> list[dict[str, object]]:
    """One for each algorithm."""
    return [
        public_services.registration(
            client_secret=SECRET,
            grant_types=["authorization_code", "refresh_token"],
            id_token_signed_response_alg=alg,
        )
        for alg in ALGORITHMS
    ]


@dataclass
class Record:
    """What was verified, by whom and under which key; what failed, in words."""

    verified: Counter[str] = field(default_factory=Counter)
    keys: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)


@dataclass
class Reading:
    """One client: it renews its tokens of every algorithm, and reads the new and some old ones."""

    town: Town
    name: str
    number: int
    record: Record
    copy: Copy = field(init=False)

    def go_on(self, stop: threading.Event) -> None:
        """Until it is told to stop; nothing may fail meanwhile."""
        self.copy = Copy(self.town.wire())
        reader = READERS[self.name](self.copy, self.town.serving.issuer)
        held = [self._signed_in(told) for told in self.town.registered[2:]]
        old: deque[tuple[dict[str, str], str]] = deque(maxlen=REMEMBERED)
        while not stop.wait(BREATH_SECONDS):
            for at, (office, tokens) in enumerate(held):
                answer = office.refresh(tokens["refresh_token"])
                if answer.status != 200:
                    self.record.failed.append(
                        f"{self.name}: a refresh was answered {answer.status}"
                    )
                    return
                held[at] = office, answer.json
                old.append((answer.json, office.played.client_id))
                for one, client_id in (old[-1], old[0]):
                    self._read(reader, one, client_id)

    def _read(self, reader, tokens, client_id) -> None:
        try:
            reader.read(tokens, client_id)
        except Exception as fault:  # noqa: BLE001 - whatever a library says, it was refused
            self.record.failed.append(f"{self.name}: {type(fault).__name__}: {fault}")
        else:
            self.record.verified[self.name] += 1
            self.record.keys.add(tokens["id_token"].partition(".")[0])

    def _signed_in(self, told) -> tuple[Office, dict[str, str]]:
        office = Office(self.town.wire(), Played(told["client_id"], SECRET))
        back = {"client_id": told["client_id"], "redirect_uri": told["redirect_uris"][0]}
        browser, resident = Browser(self.town.wire()), self.town.people[self.number]
        code = code_in(arrive(browser, resident, self.town.question(**back)))
        answer = office.token(
            grant_type="authorization_code",
            code=code,
            redirect_uri=back["redirect_uri"],
            code_verifier=VERIFIER,
        )
        if answer.status != 200:
            raise NotGiven(f"a code was answered {answer.status}")
        return office, answer.json


def rotate_for(town: Town, seconds: float, record: Record) -> tuple[int, int]:
    """How often keys were rotated, and how often their set was fetched."""
    clients = [Reading(town, name, n, record) for n, name in enumerate(READERS)]
    stop = threading.Event()
    threads = [threading.Thread(target=one.go_on, args=(stop,)) for one in clients]
    for thread in threads:
        thread.start()
    began, rotated = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        time.sleep(max(0.0, began + (rotated + 1) * EVERY_SECONDS - time.monotonic()))
        town.command("keys", "rotate")
        rotated += 1
    stop.set()
    for thread in threads:
        thread.join()
    return rotated, sum(one.copy.fetched for one in clients)
