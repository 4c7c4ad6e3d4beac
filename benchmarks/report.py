"""The table, the conditions and the profile, as a page in Markdown."""

import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from statistics import median
from typing import Any

from benchmarks.operations import OPERATIONS
from benchmarks.rounds import CONNECTIONS, Pace, Results

Turns = Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]  # here and there, each turn
PACKAGES = ("httptools", "flask", "sqlalchemy", "psycopg", "cryptography", "pyjwt", "argon2-cffi")
SAID = """\
# What it can do

Written by `make bench`. The machine is shared and noisy: a rate moves by a quarter from run
to run, and by far more where the load average below exceeds the cores.
**Only the ratios mean anything**: each is taken in one round against the primitive measured a
moment before on the same core, and the median of the rounds is shown.
"""
COUNTED = """\
Counted and timed in one process without a network, one operation after the other, the lower
quartile of them: what is not the processor's time is waiting, mostly for the disk to take a commit.
A statement is a round trip; beginning and ending a transaction count as one each.
"""
PROFILED = """\
The processor's time under cProfile, which makes Python's own calls look dearer than they are: the
fifteen functions with the most time of their own. Waiting for the database is not in it.
"""
BESIDE = """\
Bars 1 to 10; the peer is `benchmarks/peer`. Its services, keys, algorithms, PKCE and lives are
ours; its tables are in the same PostgreSQL, its process on the same core, measured right after us
in each round. It gives opaque tokens to whoever has them introspected or asks userinfo, as it takes
no others there, and has neither a log to write, nor sealed values, nor pairwise subjects.

Bar 7 sets what is bound by DPoP beside our own without. A token for the service itself writes
nothing, while its proof is spent for good: there a statement that commits stands beside none. A
refresh is durable either way, and its proof is spent in the same statement.
"""
BETWEEN = """\
One core at work costs what it costs: where what one operation takes of the processor is above what
a bar allows, that much stands between. *In our code* is the same operation asked without a network,
one after the other, its caches warm, and at most what it costs served: those who ask at once share
a round trip and a commit, which one alone pays whole. The rest is the server before it (the parser
of HTTP, the event loop, the environ), the kernel, and caches that went cold meanwhile: both cores
are busy. Where nothing is left, sharing saves more than the server costs.
Where the time in our code goes is told below, function by function. Measured on two shared cores:
the web process has one, the database, its worker and the load the other.
"""
PRIMITIVES = {
    "Argon2id": "one password checked at the service's cost, one thread",
    "ES256": "one signature over 700 bytes, one thread",
    "commit": "one row inserted by one prepared statement, committed; 8 connections on PostgreSQL,"
    " the one writer on SQLite",
    "look": "one row read by its key with a prepared statement, 8 connections",
    "bare answer": "a constant WSGI answer behind the same server, over the same connections",
}


def primitives(results: Results) -> Iterator[str]:
    """One line for each thing that an operation rests on."""
    yield "| primitive | per second | what it is |"
    yield "| --- | ---: | --- |"
    for name, rates in results.primitives.items():
        yield f"| {name} | {median(rates):,.0f} | {PRIMITIVES[name]} |"


def table(results: Results) -> Iterator[str]:
    """One line for each operation."""
    yield "| operation | per second | p50 ms | p99 ms | over what it rests on | errors |"
    yield "| --- | ---: | ---: | ---: | --- | ---: |"
    for one in OPERATIONS:
        rests = ", ".join(f"{results.ratio(one.name, p):.3f} {p}" for p in one.rests_on)
        p50, p99 = results.quantile(one.name, 0.5), results.quantile(one.name, 0.99)
        rate, errors = median(results.rates[one.name]), len(results.errors[one.name])
        yield f"| {one.name} | {rate:,.0f} | {p50:.1f} | {p99:.1f} | {rests} | {errors} |"


def against(looked: Turns) -> Iterator[str]:
    """What one operation takes in two checkouts, looked at by turns."""
    for kind, title in (("microseconds", "by the clock"), ("cpu_microseconds", "of the processor")):
        yield f"| µs {title} | here | there | here over there, median | each turn |"
        yield "| --- | ---: | ---: | ---: | --- |"
        yield from _ratios(looked, kind)


def _ratios(looked: Turns, kind: str) -> Iterator[str]:
    for one in OPERATIONS:
        spent = [[told[one.name][kind] for told in turn] for turn in looked]
        here, there = (median(column) for column in zip(*spent, strict=True))
        ratios = [ours / theirs for ours, theirs in spent]
        told = " ".join(f"{ratio:.2f}" for ratio in ratios)
        yield f"| {one.name} | {here:,.0f} | {there:,.0f} | {median(ratios):.2f} | {told} |"


def costs(looked: Mapping[str, Any]) -> Iterator[str]:
    """What one operation asks of the database and of the processor."""
    yield "| operation | requests | statements | commits | µs alone | of these CPU |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for one in OPERATIONS:
        cost = looked[one.name]
        yield (
            f"| {one.name} | {one.requests} | {cost['statements']:.3g} | {cost['commits']:.3g} |"
            f" {cost['microseconds']:,.0f} | {cost['cpu_microseconds']:,.0f} |"
        )


def profile(looked: Mapping[str, Any]) -> Iterator[str]:
    """Where the time of each operation went."""
    for one in OPERATIONS:
        yield f"### {one.name}\n"
        yield "| own time | with what it calls | where |"
        yield "| ---: | ---: | --- |"
        for where, own, whole in looked[one.name]["profile"]:
            yield f"| {own:.1%} | {whole:.1%} | `{where}` |"
        yield ""


def page(
    results: Results,
    looked: Mapping[str, Any],
    *,
    conditions: Mapping[str, str],
    bars: Sequence[str],
) -> str:
    """The whole of it."""
    lines = [SAID, "## Conditions\n"]
    lines += [f"- {name}: {text}" for name, text in conditions.items()]
    lines += ["\n## Beside the peer\n", BESIDE, *bars]
    lines += ["\n## Primitives\n", *primitives(results), "\n## Operations\n", *table(results)]
    lines += [
        "\n## What one operation costs\n",
        COUNTED,
        *costs(looked),
        "\n## Where the time goes\n",
        PROFILED,
        *profile(looked),
    ]
    return "\n".join(lines).rstrip() + "\n"


def conditions(database: str, *, people: int, pace: Pace, cores: tuple[int, int]) -> dict[str, str]:
    """Under which all of this is true."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    web, rest = cores
    return {
        "Processor": f"{_processor()}; {web} core for one web process, {rest} for database,"
        " background worker and load",
        "Database": database,
        "Software": f"Python {platform.python_version()}, {packages}",
        "People": f"{people:,} enrolled with two registers; all share one password hash, made once",
        "Load": f"{CONNECTIONS} keep-alive connections, closed loop, 8 public services",
        "Run": f"{pace.rounds} rounds of {pace.seconds} s an operation after a warm-up; one look at"
        " a primitive before what rests on it",
        "Neighbours": f"load average {os.getloadavg()[1]:.1f} over five minutes, ours within",
        "Command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as told:  # noqa: PTH123 - one line of it
            return next(line.partition(":")[2].strip() for line in told if "model name" in line)
    except (OSError, StopIteration):
        return platform.machine()
