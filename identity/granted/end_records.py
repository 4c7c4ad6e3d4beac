"""Clauses that end what grants carry: a decision in all of them, a grant's families (design §4)."""

# ruff: noqa: S608 - texts are put together from texts of this file; values are parameters

from collections.abc import Mapping
from typing import Any

from identity.together import Clause

_CARRYING = """SELECT d.grant_id FROM grant_decision d
    WHERE d.citizen_id = :drop_citizen AND d.decision_id = :drop_decision"""
_RAISE = f"""UPDATE service_grant AS g SET version = version + 1, changed_at = :drop_now,
    state = CASE WHEN EXISTS (SELECT 1 FROM grant_decision o WHERE o.citizen_id = g.citizen_id
        AND o.grant_id = g.id AND o.decision_id <> :drop_decision) THEN state ELSE :drop_empty END
    WHERE citizen_id = :drop_citizen AND id IN ({_CARRYING})"""
_DROP = """DELETE FROM grant_decision
    WHERE citizen_id = :drop_citizen AND decision_id = :drop_decision"""


def dropping(params: Mapping[str, Any]) -> tuple[Clause, ...]:
    """No grant carries the decision: each is one version on, `heads.told`; an empty one ends.

    Or stays as it is, by `drop_empty`.

    All heads are held before a decision's row is: a release holds its own, and then spends in
    every grant that carries the decision.
    """
    return (
        Clause("raised", f"{_RAISE} RETURNING g.id, g.state", _RAISE, params),
        Clause(
            "heads",
            postgres="SELECT coalesce(json_agg(json_build_array(id, state)), '[]'::json) AS told,"
            " coalesce(array_agg(id), '{}') AS ids FROM raised",
            sqlite="SELECT json_group_array(json_array(g.id, g.state)), '[]' FROM service_grant g"
            f" WHERE g.citizen_id = :drop_citizen AND g.id IN ({_CARRYING})",
            returns={"told": list, "ids": list},
        ),
        Clause("gone", f"{_DROP} AND grant_id IN (SELECT unnest(ids) FROM heads)", _DROP),
    )


_END_CODES = """UPDATE authorization_code SET spent_at = :end_now
    WHERE citizen_id = :end_citizen AND spent_at IS NULL AND grant_id """
_END_FAMILIES = """UPDATE token_family SET ended_at = :end_now, ended_by = :end_by
    WHERE citizen_id = :end_citizen AND ended_at IS NULL AND grant_id """
_THESE = "= ANY(CAST(:end_grants AS uuid[]))"
_THESE_SQLITE = "IN (SELECT value FROM json_each(:end_grants))"


def ending(params: Mapping[str, Any]) -> tuple[Clause, ...]:
    """The families of these grants have ended, and their unspent codes are void.

    A statement of its own, after the heads are held: it sees the family of a code that was
    redeemed while we waited for them.
    """
    texts = {"codes": _END_CODES, "families": _END_FAMILIES}
    return tuple(
        Clause(name, text + _THESE, text + _THESE_SQLITE, params) for name, text in texts.items()
    )
