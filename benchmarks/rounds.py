"""Rounds: primitives and operations by turns, so that a ratio compares neighbours in time."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

from benchmarks.operations import OPERATIONS, Crowd, Operation, jwks
from benchmarks.peers import Peer
from benchmarks.place import Place, pinned
from benchmarks.wire import Measured, Run
from tests.serving import free_port

CONNECTIONS = 16
BARE = "bare answer"


@dataclass(frozen=True)
class Pace:
    """How long everything takes."""

    rounds: int
    seconds: float  # an operation
    primitive_seconds: float
    proofs: int  # signed in advance, for each connection
    warm_seconds: float  # an operation, before the rounds: Node compiles what it has seen often

    @classmethod
    def chosen(cls, *, is_quick: bool) -> "Pace":
        """Five rounds, or one look."""
        return cls(1, 0.5, 0.2, 200, 0.5) if is_quick else cls(5, 1.5, 0.4, 900, 2.0)


@dataclass
class Results:
    """What the rounds have shown, a number for each round."""

    primitives: dict[str, list[float]] = field(default_factory=dict)
    rates: dict[str, list[float]] = field(default_factory=dict)
    latencies: dict[str, list[float]] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)
    processor: dict[str, list[float]] = field(default_factory=dict)  # microseconds of each

    def keep(self, name: str, measured: Measured) -> None:
        """One operation of one round."""
        self.rates.setdefault(name, []).append(measured.rate)
        self.latencies.setdefault(name, []).extend(measured.latencies)
        self.errors.setdefault(name, []).extend(measured.errors)
        spent = measured.processor_seconds * 1e6 / max(len(measured.latencies), 1)
        self.processor.setdefault(name, []).append(spent)

    def ratio(self, name: str, primitive: str) -> float:
        """The median over the rounds of the operation's rate over the primitive's."""
        pairs = zip(self.rates[name], self.primitives[primitive], strict=True)
        return median(rate / base for rate, base in pairs)

    def quantile(self, name: str, share: float) -> float:
        """The time in which that share of all answers of all rounds came, in milliseconds."""
        ordered = sorted(self.latencies[name])
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1e3

    @property
    def has_failed(self) -> bool:
        """Whether anything went wrong: then no number here means anything."""
        return any(self.errors.values()) or any(not min(r) for r in self.rates.values())


class Primitives:
    """The process that measures them on the core of the web process."""

    def __init__(self, place: Place) -> None:
        with pinned(place.cores.web):
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.primitives"],
                cwd=place.root,
                env=place.environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # as the service: schedulers share by session
            )
            self.bare_port = free_port()
            self._bare = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "benchmarks.bare", str(self.bare_port)],
                cwd=place.root,
                env=place.environ,
                start_new_session=True,
            )

    def rate(self, name: str, seconds: float) -> float:
        """How often a second."""
        if name == BARE:
            crowd = Crowd({"issuer": "", "strangers": [], "signed_in": [], "services": {}})
            journeys = [jwks(crowd) for _ in range(CONNECTIONS)]
            return Run(self.bare_port, journeys).measure(seconds).rate
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{name} {seconds}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def stop(self) -> None:
        """Neither process runs."""
        self._bare.terminate()
        self._bare.wait(timeout=20)
        self._process.communicate(timeout=20)


@contextmanager
def primitives(place: Place) -> Iterator[Primitives]:
    """They can be measured inside."""
    started = Primitives(place)
    try:
        yield started
    finally:
        started.stop()


class Rounds:
    """Every round measures every operation, each after what it rests on, with the peers at once."""

    def __init__(
        self, place: Place, base: Primitives, *, crowd: Crowd, peers: Mapping[str, Peer]
    ) -> None:
        self._place, self._base, self._crowd, self._peers = place, base, crowd, peers
        self._results = Results()
        self.of_peers = {name: Results() for name in peers}

    def measure(self, pace: Pace) -> Results:
        """Warm up, then go round."""
        for operation in OPERATIONS:  # caches filled, statements prepared, connections open
            for name in operation.rests_on:
                self._base.rate(name, pace.primitive_seconds / 2)
            self._play(operation, pace.warm_seconds, keep=False)
        for number in range(pace.rounds):
            self._round(pace)
            print(f"round {number + 1} of {pace.rounds}", file=sys.stderr, flush=True)
        return self._results

    def _round(self, pace: Pace) -> None:
        known: dict[str, float] = {}
        for operation in OPERATIONS:
            for name in operation.rests_on:
                if name not in known:
                    known[name] = self._base.rate(name, pace.primitive_seconds)
            self._play(operation, pace.seconds, keep=True)
        for name, rate in known.items():
            self._results.primitives.setdefault(name, []).append(rate)

    def _play(self, operation: Operation, seconds: float, *, keep: bool) -> None:
        players: list[tuple[Place | Peer, Crowd, Results]]
        players = [(self._place, self._crowd, self._results)]
        if operation.is_peers:
            players += [(peer, peer.crowd, self.of_peers[n]) for n, peer in self._peers.items()]
        for player, crowd, results in players:
            journeys = [operation.play(crowd) for _ in range(CONNECTIONS)]
            run = Run(player.port, journeys, meter=player.processor_seconds)
            measured = run.measure(seconds)
            if keep:
                results.keep(operation.name, measured)
