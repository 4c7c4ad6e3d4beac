"""Keys change every ten seconds while services verify what is signed."""

import subprocess
import sys
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field

from tests import public_services
from tests.databases import ROOT
from tests.drills.town import SECRET, VERIFIER, Town, arrive
from tests.drills.verifying import ALGORITHMS, READERS, Copy
from tests.drills.wire import Browser, NotGiven, Office, code_in
from tests.public_services import Played

KEPT_SECONDS = 5  # how long the copies of the keys are good, here
EVERY_SECONDS = 10
BREATH_SECONDS = 0.1  # who rotates needs the processor too
TYPING = """import sys, wsgi
print("done", flush=True)
for _ in sys.stdin:
    wsgi.cli.main(["keys", "rotate"], standalone_mode=False)
    print("done", flush=True)
"""
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
    seconds: list[float] = field(default_factory=list)  # from one rotation to the next


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


class Operator:
    """Types `keys rotate` again and again, in one process: starting one takes the longest."""

    def __init__(self, town: Town) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", TYPING],
            cwd=ROOT,
            env=town.serving.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._heard()  # it is ready

    def rotate(self) -> None:
        """The next keys sign."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self._heard()

    def leave(self) -> None:
        """No more of it."""
        self._process.communicate(timeout=30)

    def _heard(self) -> None:
        assert self._process.stdout is not None
        said = iter(self._process.stdout.readline, "")
        assert any(line == "done\n" for line in said), "the command ended"


def rotate_for(town: Town, times: int, record: Record) -> int:
    """That many rotations, ten seconds apart; how often the set of keys was fetched meanwhile."""
    clients = [Reading(town, name, n, record) for n, name in enumerate(READERS)]
    stop, operator = threading.Event(), Operator(town)
    threads = [threading.Thread(target=one.go_on, args=(stop,)) for one in clients]
    for thread in threads:
        thread.start()
    try:
        for _ in range(times):
            began = time.monotonic()
            time.sleep(EVERY_SECONDS)
            operator.rotate()
            record.seconds.append(time.monotonic() - began)
    finally:
        stop.set()
        operator.leave()
        for thread in threads:
            thread.join()
    return sum(one.copy.fetched for one in clients)
