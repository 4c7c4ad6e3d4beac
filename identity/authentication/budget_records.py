"""Clauses over budgets for guessing: which are spent, a try counted in all, a try given back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from identity import columns
from identity.together import Clause, all_undone_unless

# ruff: noqa: S608 - texts are put together from texts of this file; values are parameters


@dataclass(frozen=True, slots=True)
class Try:
    """One try under one key: how many its window may have, and when a new window would end."""

    digest: bytes
    limit: int
    until: datetime


Counted = tuple[tuple[bytes, datetime], ...]  # each key, and the end of the window it counted in


def spent(tries: Sequence[Try], at: datetime) -> Clause:
    """Reads which of them have no try left, as `spent.budgets`; `ends` opens it."""
    sqlite, postgres = _spent(len(tries))
    return Clause("spent", postgres, sqlite, _params(tries, at), {"budgets": list})


def ends(told: Sequence[tuple[str, int | str]]) -> dict[bytes, datetime]:
    """When the windows of the spent budgets end, by digest."""
    return {bytes.fromhex(digest): _instant(end) for digest, end in told}


def counting(tries: Sequence[Try], at: datetime) -> tuple[Clause, ...]:
    """Counts a try in each of them, or in none; `counted` opens the answer.

    One conditional upsert: of a hundred at once, exactly `limit` succeed. The tries are in the
    order of their digests, for everybody the same, so that two cannot wait for each other.
    """
    upsert, untils = _count(len(tries)), _untils(len(tries))
    params = {**_params(tries, at), "try_count": len(tries)}
    enough = all_undone_unless("count(*) = :try_count")
    return (
        Clause("counted", f"{upsert} RETURNING digest, expires_at", upsert, params),
        Clause(
            "whole",
            postgres=f"SELECT {enough} AS ok, json_agg(expires_at ORDER BY digest) AS untils"
            " FROM counted",
            sqlite=f"SELECT 1, untils FROM ({untils}) WHERE changes() = :try_count",
            returns={"ok": int, "untils": list},
        ),
    )


def counted(tries: Sequence[Try], untils: Sequence[int | str]) -> Counted:
    """The tries with the ends of the windows in which `counting` counted them."""
    ends_at = map(_instant, untils)
    return tuple((one.digest, end) for one, end in zip(tries, ends_at, strict=True))


def counting_one(one: Try, at: datetime) -> Clause:
    """Counts a try under one key, inside a transaction; no row: none is left."""
    text = f"{_count(1)} RETURNING expires_at"
    return Clause("counted", text, text, _params([one], at), {"expires_at": datetime})


def giving_back(tries: Counted, *, after: str = "") -> Clause:
    """Takes back what was counted in those very windows; `after` is a condition's name."""
    places = (f"digest = :back_{n} AND expires_at = :back_until_{n}" for n in range(len(tries)))
    these = " OR ".join(places)
    params: dict[str, Any] = {}
    for n, (digest, until) in enumerate(tries):
        params |= {f"back_{n}": digest, f"back_until_{n}": until}
    return Clause(
        "given_back",
        postgres=_LESS.format(source=f", {after}" if after else "", these=these),
        sqlite=f"UPDATE attempt_budget SET used = used - 1 WHERE {these}",
        params=params,
    )


# The rows are locked in one order first, as `counting` does.
_LESS = """UPDATE attempt_budget b SET used = b.used - 1
    FROM (SELECT digest FROM attempt_budget WHERE {these} ORDER BY digest FOR UPDATE) mine{source}
    WHERE b.digest = mine.digest"""
_COUNT = """INSERT INTO attempt_budget AS b (digest, used, window_started_at, expires_at)
    VALUES {values} ON CONFLICT (digest) DO UPDATE SET
    used = CASE WHEN b.expires_at <= :try_at THEN 1 ELSE b.used + 1 END,
    window_started_at = CASE WHEN b.expires_at <= :try_at THEN excluded.window_started_at
        ELSE b.window_started_at END,
    expires_at = CASE WHEN b.expires_at <= :try_at THEN excluded.expires_at
        ELSE b.expires_at END
    WHERE b.expires_at <= :try_at OR b.used < CASE b.digest {limits} END"""
_UNTILS = """SELECT json_group_array(expires_at) AS untils FROM (
    SELECT expires_at FROM attempt_budget WHERE digest IN ({digests}) ORDER BY digest)"""
_SPENT = """FROM attempt_budget b WHERE b.digest IN ({digests}) AND b.expires_at > :try_at
    AND b.used >= CASE b.digest {limits} END"""


@lru_cache(maxsize=16)
def _spent(count: int) -> tuple[str, str]:
    source = _SPENT.format(**_slots(count))
    pairs = "json_agg(json_build_array(encode(b.digest, 'hex'), b.expires_at))"
    return (
        f"SELECT json_group_array(json_array(hex(b.digest), b.expires_at)) {source}",
        f"SELECT coalesce({pairs}, '[]'::json) AS budgets {source}",
    )


@lru_cache(maxsize=16)
def _count(tries: int) -> str:
    return _COUNT.format(**_slots(tries))


@lru_cache(maxsize=16)
def _untils(tries: int) -> str:
    return _UNTILS.format(**_slots(tries))


def _slots(count: int) -> Mapping[str, str]:
    each = range(count)
    return {
        "values": ", ".join(f"(:try_{n}, 1, :try_at, :try_until_{n})" for n in each),
        "digests": ", ".join(f":try_{n}" for n in each),
        "limits": " ".join(f"WHEN :try_{n} THEN :try_limit_{n}" for n in each),
    }


def _params(tries: Sequence[Try], at: datetime) -> dict[str, Any]:
    params: dict[str, Any] = {"try_at": at}
    for n, one in enumerate(tries):
        params |= {f"try_{n}": one.digest, f"try_limit_{n}": one.limit, f"try_until_{n}": one.until}
    return params


def _instant(told: int | str) -> datetime:
    return columns.instant(told) if isinstance(told, int) else datetime.fromisoformat(told)
