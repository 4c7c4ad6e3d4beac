"""The service in this very process, without a network: statements, commits, time, profile."""

import cProfile
import io
import json
import pstats
import sys
import time
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from statistics import quantiles
from typing import Any

from benchmarks.operations import OPERATIONS, Crowd, Operation
from benchmarks.wire import Answer, Ask, Journey
from identity import create_app, database, settings
from identity.doors import BODY
from identity.edge import LENGTH, REQUEST_ID, Edge

TOP = 15
COUNTS = {"sign-in": 10, "withdrawal": 10, "code flow": 50}
USUAL_COUNT = 250


@dataclass
class Looked:
    """What one operation costs."""

    statements: float
    commits: float
    microseconds: float  # by the clock: mostly waiting for the database
    cpu_microseconds: float  # of this process, its threads included
    profile: list[tuple[str, float, float]] = field(default_factory=list)


class Inside:
    """The application, asked without a network."""

    def __init__(self, edge: Edge, host: str) -> None:
        self._edge, self._host = edge, host

    def look(self, operation: Operation, crowd: Crowd) -> Looked:
        """What it asks of the database and of this process."""
        often = COUNTS.get(operation.name, USUAL_COUNT)
        journey = self._ready(operation, crowd)
        clock, cpu = [], []
        with database.counted() as tally:
            for _ in range(often):
                begun, started = time.perf_counter(), time.process_time()
                self._play(journey, 1)
                cpu.append(time.process_time() - started)
                clock.append(time.perf_counter() - begun)
        return Looked(tally.round_trips / often, tally.commits / often, _usual(clock), _usual(cpu))

    def profile(self, operation: Operation, crowd: Crowd) -> list[tuple[str, float, float]]:
        """Where its own time goes: the share of each function alone, and with what it calls."""
        journey = self._ready(operation, crowd)
        profiler = cProfile.Profile(time.process_time)
        profiler.runcall(self._play, journey, COUNTS.get(operation.name, USUAL_COUNT))
        return _top(profiler)

    def _ready(self, operation: Operation, crowd: Crowd) -> Journey:
        journey = operation.play(crowd)
        self._play(journey, 2)  # once for nothing, so that caches are filled
        return journey

    def _play(self, journey: Journey, marks: int) -> None:
        """Go on until the journey has stood at so many marks."""
        ask = next(journey)
        while True:
            if ask is None:
                marks -= 1
                if not marks:
                    return
                ask = next(journey)
            else:
                ask = journey.send(self._answer(ask))

    def _answer(self, ask: Ask) -> Answer:
        """As the web process has it made: by the edge itself, or by WSGI where that has no door."""
        environ = self._environ(ask)
        answer = self._edge.answer(environ)
        if answer is None:
            return self._by_wsgi(environ)
        head = self._edge.head(answer, environ[REQUEST_ID]).decode("latin-1")
        return Answer(answer.status, head, answer.body)

    def _by_wsgi(self, environ: dict[str, Any]) -> Answer:
        said: list[Any] = []
        body = b"".join(self._edge(environ, lambda *told: said.extend(told)))
        lines = [f"HTTP/1.1 {said[0]}", *(f"{name}: {text}" for name, text in said[1])]
        return Answer(int(said[0][:3]), "\r\n".join(lines), body)

    def _environ(self, ask: Ask) -> dict[str, Any]:
        path, _, query = ask.path.partition("?")
        body = ask.body.encode()
        environ: dict[str, Any] = {
            "REQUEST_METHOD": ask.method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_HOST": self._host,
            "REMOTE_ADDR": "127.0.0.1",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": self._host.rpartition(":")[2],
            "SERVER_PROTOCOL": "HTTP/1.1",
            "SCRIPT_NAME": "",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            BODY: body,
            LENGTH: sum(len(text) for _, text in ask.headers),
            "wsgi.errors": sys.stderr,
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": ask.kind if body else "",
        }
        for name, text in ask.headers:
            environ["HTTP_" + name.upper().replace("-", "_")] = text
        return environ


def _usual(seconds: list[float]) -> float:
    """Microseconds; the lower quartile, for whatever else the machine does only adds."""
    return quantiles(seconds, n=4)[0] * 1e6


def _top(profiler: cProfile.Profile) -> list[tuple[str, float, float]]:
    """Where its own time went: share of the whole alone, and with what it called."""
    stats = pstats.Stats(profiler)
    whole = stats.total_tt  # type: ignore[attr-defined] # pstats computes it, typeshed is silent
    lines = sorted(stats.stats.items(), key=lambda item: -item[1][2])  # type: ignore[attr-defined] # pstats keeps it untyped
    outside = [(at, line) for at, line in lines if "benchmarks" not in at[0]]
    return [(_where(at), line[2] / whole, line[3] / whole) for at, line in islice(outside, TOP)]


def _where(at: tuple[str, int, str]) -> str:
    file, number, name = at
    if file == "~":
        return name.strip("<>")
    parts = Path(file).parts
    near = next((n for n, part in enumerate(parts) if part in {"identity", "consent"}), -2)
    return f"{'/'.join(parts[near:])}:{number} {name}"


def main(file: Path, *, is_profiled: bool) -> None:
    """Look at each operation; the answers as JSON."""
    import consent  # noqa: PLC0415 - the other half, joined as wsgi.py does

    chosen = settings.read()
    edge: Any = create_app(chosen, joins=[consent]).wsgi_app
    inside = Inside(edge, chosen.host)
    crowd = Crowd(json.loads(file.read_text(encoding="utf-8")), withdrawals=12, proofs=260)
    looked = {one.name: inside.look(one, crowd) for one in OPERATIONS}
    for one in OPERATIONS if is_profiled else ():
        looked[one.name].profile = inside.profile(one, crowd)
    print(json.dumps({name: asdict(told) for name, told in looked.items()}))
    database.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), is_profiled="--profile" in sys.argv)
