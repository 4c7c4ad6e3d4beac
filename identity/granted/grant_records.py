"""Clauses over grants: opened, held at the gate, with the decisions they carry (design §4)."""

# ruff: noqa: S608 - texts are put together from texts of this file; values are parameters

import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from identity.together import Clause

_SERVICE = """EXISTS (SELECT 1 FROM public_service s
    WHERE s.id = :gate_service AND s.version = :gate_service_version AND s.is_active)"""
_ALIVE = f"""FROM service_grant g
    JOIN token_family f ON f.citizen_id = g.citizen_id AND f.id = :gate_family
    WHERE g.citizen_id = :citizen AND g.id = :gate_grant
    AND g.public_service_id = :gate_service AND g.state = 'active'
    AND f.grant_id = g.id AND f.ended_at IS NULL AND {_SERVICE}
    AND NOT EXISTS (SELECT 1 FROM revoked_token x WHERE x.jti = :gate_token)"""
_LIVE = f"SELECT g.version {_ALIVE} AND g.version = :gate_version"
_DECIDED = """ AND EXISTS (SELECT 1 FROM grant_decision d
    WHERE d.citizen_id = g.citizen_id AND d.grant_id = g.id AND d.decision_id = :gate_decision
    AND d.until > :gate_now AND {uses})"""
_WITHOUT_LIMIT = "d.uses_left IS NULL"

# Who waited here for a withdrawal finds another version, and no row.
_LIVE_TEXTS = {
    kind: (f"{text} FOR SHARE OF g", text)
    for kind, text in {
        "head": _LIVE,
        "decided": _LIVE + _DECIDED.format(uses=f"({_WITHOUT_LIMIT} OR d.uses_left > 0)"),
        "unlimited": _LIVE + _DECIDED.format(uses=_WITHOUT_LIMIT),
    }.items()
}
_VERSION = {"version": int}


def live(params: Mapping[str, Any], kind: str) -> Clause:
    """The head row at its version, held against every change until the statement commits.

    By `kind` the `head` alone, or one that carries the decision: `decided`, or `unlimited`, which
    has no limit of uses.
    """
    return Clause("live", *_LIVE_TEXTS[kind], params, _VERSION)


def client_alive(params: Mapping[str, Any]) -> Clause:
    """A token without a person is alive by its `jti` and its public service alone."""
    return Clause("alive", _CLIENT_STANDS, _CLIENT_STANDS, params, _YES)


_CLIENT_STANDS = f"""SELECT 1 AS yes WHERE {_SERVICE}
    AND NOT EXISTS (SELECT 1 FROM revoked_token x WHERE x.jti = :gate_token)"""
_YES = {"yes": int}


_USE = """UPDATE grant_decision SET uses_left = uses_left - 1{source}
    WHERE citizen_id = :citizen AND decision_id = :gate_decision AND uses_left > 0"""
_LEFT = """SELECT coalesce({left}, -1) AS uses_left FROM grant_decision d
    WHERE d.citizen_id = :citizen AND d.grant_id = :gate_grant
    AND d.decision_id = :gate_decision AND (d.uses_left IS NULL OR {condition})"""


@lru_cache(maxsize=64)  # there are few sets of conditions
def spending(after: tuple[str, ...]) -> tuple[Clause, ...]:
    """One use less in every grant that carries the decision of `live`: they share one budget."""
    used = Clause(
        "used",
        postgres=_USE.format(source=f" FROM {', '.join(after)}") + " RETURNING grant_id, uses_left",
        sqlite=_USE.format(source=""),
    )
    budget = Clause(
        "budget",
        # This SELECT sees the row as it was; whether our UPDATE got the last use, `used` knows.
        postgres=_LEFT.format(
            left="(SELECT u.uses_left FROM used u WHERE u.grant_id = d.grant_id)",
            condition="EXISTS (SELECT 1 FROM used u WHERE u.grant_id = d.grant_id)",
        ),
        # The gate has looked in this very transaction, and nobody else wrote meanwhile.
        sqlite=_LEFT.format(left="d.uses_left", condition="d.uses_left >= 0"),
        returns={"uses_left": int},
    )
    return used, budget


# Null where there are none, as with most grants: then there is nothing to be parsed.
_JSON_POSTGRES = """json_agg(json_build_object('decision_id', d.decision_id,
    'procedure', d.procedure, 'case', d."case", 'basis', d.basis, 'purposes', d.purposes,
    'attributes', d.attributes, 'until', d.until, 'uses_left', d.uses_left)
    ORDER BY d.decision_id)"""
_JSON_SQLITE = """json_group_array(json_object('decision_id', d.decision_id,
    'procedure', d.procedure, 'case', d."case", 'basis', d.basis, 'purposes', json(d.purposes),
    'attributes', json(d.attributes), 'until', d.until, 'uses_left', d.uses_left))"""
_IN_FORCE = " AND d.until > :{now} AND (d.uses_left IS NULL OR d.uses_left > 0)"


@lru_cache(maxsize=16)
def decisions(of: str, *, citizen: str, now: str) -> Clause:
    """The decisions in force of the grant that the clause `of` found, as `granted.decisions`.

    `citizen` and `now` are the names of these two among the parameters of the statement.
    """
    owner = f"WHERE d.citizen_id = :{citizen} AND d.grant_id = "
    in_force = _IN_FORCE.format(now=now)
    return Clause(
        "granted",
        postgres=f"SELECT {_JSON_POSTGRES} AS decisions FROM grant_decision d, {of} o"
        f" {owner}o.grant_id{in_force}",
        sqlite=f"SELECT {_JSON_SQLITE} AS decisions FROM grant_decision d"
        f" {owner}:{of}_grant_id{in_force}",
        returns=_DECISIONS,
    )


_DECISIONS: dict[str, type] = {"decisions": list}
_STANDS = f"""SELECT (SELECT {{told}} FROM grant_decision d WHERE d.citizen_id = g.citizen_id
    AND d.grant_id = g.id{_IN_FORCE.format(now="gate_now")}) AS decisions {_ALIVE}"""
_STANDS_POSTGRES = _STANDS.format(told=_JSON_POSTGRES)
_STANDS_SQLITE = _STANDS.format(told=_JSON_SQLITE)


def alive(params: Mapping[str, Any]) -> Clause:
    """What introspection asks: the decisions in force, if grant and family stand, at any version.

    A row comes back as long as they do; its `decisions` are null where none is in force.
    """
    return Clause("alive", _STANDS_POSTGRES, _STANDS_SQLITE, params, _DECISIONS)


_HEAD = """SELECT g.id AS grant_id, g.actor_id, g.mandate_id, g.public_service_id, g.scope,
    g.state, g.version, g.created_at, g.changed_at, (SELECT {families} FROM token_family f
        WHERE f.citizen_id = g.citizen_id AND f.grant_id = g.id AND f.ended_at IS NOT NULL) AS ends,
    (SELECT {decisions} FROM grant_decision d
        WHERE d.citizen_id = g.citizen_id AND d.grant_id = g.id) AS decisions
    FROM service_grant g WHERE g.citizen_id = :citizen AND g.id = :grant"""


def head(citizen_id: uuid.UUID, grant_id: uuid.UUID) -> Clause:
    """A grant with its decisions, in force or not, and how its ended families ended."""
    return Clause(
        "head",
        postgres=_HEAD.format(
            families="coalesce(json_object_agg(f.id, f.ended_by), '{}'::json)",
            decisions=_JSON_POSTGRES,
        ),
        sqlite=_HEAD.format(families="json_group_object(f.id, f.ended_by)", decisions=_JSON_SQLITE),
        params={"citizen": citizen_id, "grant": grant_id},
        returns={
            "grant_id": uuid.UUID,
            "actor_id": uuid.UUID,
            "mandate_id": uuid.UUID,
            "public_service_id": uuid.UUID,
            "scope": str,
            "state": str,
            "version": int,
            "created_at": datetime,
            "changed_at": datetime,
            "ends": dict,
            "decisions": list,
        },
    )


_OPEN = """INSERT INTO service_grant (citizen_id, id, actor_id, mandate_id, public_service_id,
    scope, state, version, created_at, changed_at)"""
_OPEN_VALUES = """:open_citizen, :open_grant, :open_actor, :open_mandate, :open_service,
    :open_scope, 'active', 1, :open_now, :open_now"""
_DECISION = """INSERT INTO grant_decision (citizen_id, grant_id, decision_id, procedure, "case",
    basis, purposes, attributes, until, uses_left)"""
_KEPT = 'd.decision_id, d.procedure, d."case", d.basis, d.purposes, d.attributes, d.until'
_TAKABLE = "d.until > :open_now AND (d.uses_left IS NULL OR d.uses_left > 0)"


def opening(
    params: Mapping[str, Any], *, takes: bool, makes: bool, after: tuple[str, ...] = ()
) -> tuple[Clause, ...]:
    """The clauses in their order; with `takes`, every such decision must still be carried.

    `after` names further conditions of the statement, without which nothing is opened.
    """
    needed = (*after, "whole") if takes else after
    head = Clause("opened", _opening(needed), _OPENING_SQLITE, params, _OPENED)
    before = taking() if takes else ()
    return (*before, head, *((COPIED,) if takes else ()), *((_MADE,) if makes else ()))


_OPENED: dict[str, type] = {"version": int}
_OPENING_SQLITE = f"{_OPEN} VALUES ({_OPEN_VALUES}) RETURNING version"


@lru_cache(maxsize=16)
def _opening(needed: tuple[str, ...]) -> str:
    origin = f" FROM {', '.join(needed)}" if needed else ""
    return f"{_OPEN} SELECT {_OPEN_VALUES}{origin} RETURNING version"


def taking() -> tuple[Clause, ...]:
    """The conditions that end in `whole`: every decision to be taken in is carried somewhere."""
    return _OWNER, _TAKEN, _WHOLE


# A withdrawal holds the person's row from its first statement on. So either it waits for us, and
# then sees what we have copied; or we wait for it, and then find no row to copy.
_OWNER = Clause(
    "owner",
    postgres="SELECT citizen_id FROM citizen WHERE citizen_id = :open_citizen FOR SHARE",
    sqlite="SELECT 1",
)
_TAKEN = Clause(
    "taken",
    postgres=f"""SELECT found.* FROM owner o, unnest(CAST(:open_taken AS uuid[])) AS wanted (id)
    CROSS JOIN LATERAL (SELECT {_KEPT}, d.uses_left FROM grant_decision d
        WHERE d.citizen_id = o.citizen_id AND d.decision_id = wanted.id AND {_TAKABLE}
        ORDER BY d.grant_id LIMIT 1 FOR SHARE) found""",
    sqlite="SELECT 1",
)
_FROM_OTHERS = f"""FROM grant_decision d WHERE d.citizen_id = :open_citizen AND {_TAKABLE}
    AND d.decision_id IN (SELECT value FROM json_each(:open_taken))"""
_WHOLE = Clause(
    "whole",
    postgres="SELECT n FROM (SELECT count(*) AS n FROM taken) t WHERE t.n = :open_wanted",
    sqlite=f"SELECT n FROM (SELECT count(DISTINCT d.decision_id) AS n {_FROM_OTHERS})"
    " WHERE n = :open_wanted",
    returns={"n": int},
)
COPIED = Clause(
    "copied",
    postgres=f"{_DECISION} SELECT :open_citizen, :open_grant, {_KEPT}, d.uses_left"
    " FROM taken d, opened",
    sqlite=f"{_DECISION} SELECT :open_citizen, :open_grant, {_KEPT}, min(d.uses_left)"
    f" {_FROM_OTHERS} GROUP BY d.decision_id",
)
_MADE = Clause(
    "made",
    postgres=f"{_DECISION} SELECT :open_citizen, :open_grant, {_KEPT}, d.uses_left"
    " FROM opened, jsonb_to_recordset(:open_made) AS d (decision_id uuid, procedure text,"
    ' "case" text, basis text, purposes jsonb, attributes jsonb, until timestamptz,'
    " uses_left integer)",
    sqlite=f"{_DECISION} SELECT :open_citizen, :open_grant, {{}} FROM json_each(:open_made)".format(
        ", ".join(
            f"json_extract(value, '$.{name}')"
            for name in (
                "decision_id",
                "procedure",
                "case",
                "basis",
                "purposes",
                "attributes",
                "until_us",
                "uses_left",
            )
        )
    ),
)
