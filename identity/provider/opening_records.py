"""Clauses that open a grant: its head, the decisions just made, and those taken in from others."""

# ruff: noqa: S608 - texts are put together from texts of this file; values are parameters

from collections.abc import Mapping
from typing import Any

from identity.together import Clause

_HEAD = """INSERT INTO service_grant (citizen_id, id, actor_id, mandate_id, public_service_id,
    scope, state, version, created_at, changed_at)"""
_VALUES = """:open_citizen, :open_grant, :open_actor, :open_mandate, :open_service,
    :open_scope, 'active', 1, :open_now, :open_now"""
_DECISION = """INSERT INTO grant_decision (citizen_id, grant_id, decision_id, procedure, "case",
    basis, purposes, attributes, until, uses_left)"""
_KEPT = 'd.decision_id, d.procedure, d."case", d.basis, d.purposes, d.attributes, d.until'
_FORCE = "d.until > :open_now AND (d.uses_left IS NULL OR d.uses_left > 0)"


def opening(
    params: Mapping[str, Any], *, takes: bool, makes: bool, after: tuple[str, ...] = ()
) -> tuple[Clause, ...]:
    """The clauses in their order; with `takes`, every such decision must still be carried.

    `after` names further conditions of the statement, without which nothing is opened.
    """
    needed = (*after, "whole") if takes else after
    origin = f" FROM {', '.join(needed)}" if needed else ""
    head = Clause(
        "opened",
        postgres=f"{_HEAD} SELECT {_VALUES}{origin} RETURNING version",
        sqlite=f"{_HEAD} VALUES ({_VALUES}) RETURNING version",
        params=params,
        returns={"version": int},
    )
    before = _conditions() if takes else ()
    return (*before, head, *((_COPIED,) if takes else ()), *((_MADE,) if makes else ()))


def _conditions() -> tuple[Clause, ...]:
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
        WHERE d.citizen_id = o.citizen_id AND d.decision_id = wanted.id AND {_FORCE}
        ORDER BY d.grant_id LIMIT 1 FOR SHARE) found""",
    sqlite="SELECT 1",
)
_FROM_OTHERS = f"""FROM grant_decision d WHERE d.citizen_id = :open_citizen AND {_FORCE}
    AND d.decision_id IN (SELECT value FROM json_each(:open_taken))"""
_WHOLE = Clause(
    "whole",
    postgres="SELECT n FROM (SELECT count(*) AS n FROM taken) t WHERE t.n = :open_wanted",
    sqlite=f"SELECT n FROM (SELECT count(DISTINCT d.decision_id) AS n {_FROM_OTHERS})"
    " WHERE n = :open_wanted",
    returns={"n": int},
)
_COPIED = Clause(
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
