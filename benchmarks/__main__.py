"""`make bench`: what the service can do on one core, and what it rests on."""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import bars, peers, report
from benchmarks.operations import Crowd
from benchmarks.place import Cores, Place
from benchmarks.rounds import Pace, Results, Rounds, primitives
from tests.databases import ROOT, Databases
from tests.postgres import NoPostgresError, PrivateServer

RESULTS = Path(__file__).parent / "results.md"
PEOPLE, FEW_PEOPLE = 10_000, 400
TURNS = 4
Looked = dict[str, Any]  # of benchmarks.inside


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--quick", action="store_true", help="one short round, fewer people")
    parser.add_argument("--against", type=Path, help="another checkout, measured by turns")
    parser.add_argument("--write", type=Path, help="where the page goes")
    return parser.parse_args()


@contextmanager
def databases(kind: str) -> Iterator[Databases]:
    """Databases in a folder that goes with us; PostgreSQL waits for its disk."""
    shared = Path(tempfile.mkdtemp(prefix="motlan-bench-"))
    shared.chmod(0o755)  # PostgreSQL runs as another user, in a folder of its own below
    try:
        if kind == "sqlite":
            yield Databases(kind, shared, None, "bench")
            return
        (shared / "pg").mkdir(mode=0o755)
        server = PrivateServer(shared / "pg", durable=True)
        try:
            yield Databases(kind, shared, server.start(), "bench")
        finally:
            server.stop()
    finally:
        shutil.rmtree(shared, ignore_errors=True)


def filled(root: Path, source: Databases, *, cores: Cores, people: int) -> tuple[Place, Crowd]:
    """A place with people in it."""
    place = Place.make(root.resolve(), source, cores=cores)
    started = time.monotonic()
    place.run("benchmarks.population", str(people), str(place.home / "loaded.json"))
    say(f"{people} people enrolled in {time.monotonic() - started:.0f} s")
    return place, Crowd(json.loads((place.home / "loaded.json").read_text(encoding="utf-8")))


def say(text: str) -> None:
    """To whoever waits."""
    print(text, file=sys.stderr, flush=True)


def described(source: Databases) -> str:
    """The database and how durable it is."""
    if source.server is None:
        return "SQLite, WAL, synchronous=FULL, one writer"
    with psycopg.connect(source.server.admin_url) as connection:
        told = [
            connection.execute(f"SHOW {name}").fetchone()
            for name in ("server_version", "fsync", "synchronous_commit", "shared_buffers")
        ]
    number, fsync, commits, buffers = [row[0] if row else "?" for row in told]
    return (
        f"PostgreSQL {number} on this machine, fsync={fsync}, synchronous_commit={commits},"
        f" shared_buffers={buffers}, pool of 8 connections, Unix socket"
    )


def compare(places: list[tuple[Place, Crowd]]) -> int:
    """Two checkouts by turns, without a network: steadier than rates on a shared machine."""
    looked = []
    for number in range(TURNS):
        ours, theirs = (look(place) for place, _ in places[:: 1 if number % 2 else -1])
        looked.append((ours, theirs) if number % 2 else (theirs, ours))
        say(f"turn {number + 1} of {TURNS}")
    print("\n".join(report.against(looked)))
    return 0


def look(place: Place, *more: str) -> Looked:
    """The service in one process, on the core of the web process."""
    file = str(place.home / "loaded.json")
    told: Looked = json.loads(place.run("benchmarks.inside", file, *more, is_on_web_core=True))
    return told


def measure(
    place: Place, crowd: Crowd, *, pace: Pace, source: Databases
) -> tuple[Results, bars.Peers, str]:
    """The service over its network, by turns with what it rests on and with the peer."""
    with ExitStack() as stack:
        stack.callback(place.stop)
        place.start()
        beside, told = {}, ""
        try:
            beside = stack.enter_context(peers.peers(place, source, count=pace.proofs))
            told = peers.version()
        except peers.NoPeerError as missing:
            say(f"LEFT OUT: the peer, and with it bars 1 to 9: {missing}")
        rounds = Rounds(place, stack.enter_context(primitives(place)), crowd=crowd, peers=beside)
        return rounds.measure(pace), rounds.of_peers, told


def main() -> int:
    """Measure, say what was found, and write it down where asked."""
    asked = arguments()
    people = FEW_PEOPLE if asked.quick or asked.against else PEOPLE
    pace, cores = Pace.chosen(is_quick=asked.quick), Cores.here()
    os.sched_setaffinity(0, cores.rest)
    with databases(asked.database) as source:
        roots = [ROOT, asked.against] if asked.against else [ROOT]
        places = [filled(root, source, cores=cores, people=people) for root in roots]
        if asked.against:
            return compare(places)
        ((place, crowd),) = places
        crowd.withdrawals, crowd.proofs = 2 if asked.quick else 6, pace.proofs
        results, beside, peer = measure(place, crowd, pace=pace, source=source)
        looked = look(place, *([] if asked.quick else ["--profile"]))
        server = described(source)
    conditions = report.conditions(
        server, people=people, pace=pace, cores=(len(cores.web), len(cores.rest))
    )
    if peer:
        conditions["Peer"] = peer
    tables = (bars.table(results, beside), bars.rates(results, beside), report.table(results))
    print("\n".join([line for one in tables for line in (*one, "")]))
    print("\n".join(report.costs(looked)))
    has_failed = _tell_errors({"ours": results, **beside})
    written = asked.write or (None if asked.quick or asked.database == "sqlite" else RESULTS)
    if written is not None and not has_failed:
        beside_us = [*bars.table(results, beside), "", *bars.rates(results, beside)]
        beside_us += ["\n## What stands between\n", report.BETWEEN]
        beside_us += bars.between(results, beside, looked=looked)
        page = report.page(results, looked, conditions=conditions, bars=beside_us)
        written.write_text(page, encoding="utf-8")
    return int(has_failed)


def _tell_errors(measured: dict[str, Results]) -> bool:
    """Whether anything went wrong, anywhere."""
    for who, results in measured.items():
        for name, errors in results.errors.items():
            for error in errors[:3]:
                say(f"{who}, {name}: {error}")
    return any(results.has_failed for results in measured.values())


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except NoPostgresError as missing:
        raise SystemExit(f"no PostgreSQL: {missing}") from None
