"""Which duties one person does not have together: who runs, who reviews, who is reviewed."""

import itertools
from collections.abc import Iterable

from identity.staff.records import Role

# An operator holds the keys and the database, so what they did is reviewed by nobody who was one
# before or becomes one later.
NEVER = frozenset(
    frozenset(pair)
    for pair in itertools.product((Role.OPERATOR,), (Role.SECURITY_OFFICER, Role.INSPECTOR))
)
# Whoever has one of these keeps it: an account tells its role of now alone.
LASTING = frozenset().union(*NEVER)
# Inspectors review security officers, and both review counter officers: nobody reviews themselves.
NOT_TOGETHER = NEVER | frozenset(
    frozenset(pair)
    for pair in itertools.combinations(
        (Role.SECURITY_OFFICER, Role.INSPECTOR, Role.COUNTER_OFFICER), 2
    )
)


def excluded_by(role: Role, *, now: Iterable[Role], before: Iterable[Role] = ()) -> Role | None:
    """The role somebody has, or once had, that keeps this one from them; null: none does."""
    for other in now:
        if frozenset((role, other)) in NOT_TOGETHER:
            return other
    return next((other for other in before if frozenset((role, other)) in NEVER), None)
