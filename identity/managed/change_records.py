"""Clauses that change a grant there is (Grant Management for OAuth 2.0 §5.2)."""

from collections.abc import Mapping
from typing import Any

from identity.granted.grant_records import COPIED, taking
from identity.together import Clause

_CHANGE = """UPDATE service_grant AS g SET version = version + 1, scope = :open_scope,
    changed_at = :open_now{source} WHERE g.citizen_id = :open_citizen AND g.id = :open_grant
    AND g.state = 'active' RETURNING {own}version"""


def changing(params: Mapping[str, Any], *, takes: bool) -> tuple[Clause, ...]:
    """The grant is one version on, and has the decisions that it lacked.

    With `takes`, every such decision must still be carried by some grant.
    """
    head = Clause(
        "opened",
        postgres=_CHANGE.format(source=" FROM whole" if takes else "", own="g."),
        sqlite=_CHANGE.format(source="", own=""),
        params=params,
        returns={"version": int},
    )
    if not takes:
        return (head,)
    copied = COPIED._replace(
        postgres=f"{COPIED.postgres} {_KEPT_BEFORE}",
        sqlite=f"{COPIED.sqlite} {_KEPT_BEFORE}",
    )
    return (*taking(), head, copied)


_KEPT_BEFORE = "ON CONFLICT DO NOTHING"  # what the grant carries already, it keeps as it is
