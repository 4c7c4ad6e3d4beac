"""What becomes of a staff account: another unit, role or number, or its end. Each ends sessions."""

import uuid
from typing import Any

from identity import clock, trail
from identity.database import transaction
from identity.entry import Who
from identity.errors import InvalidRequest, NotFound
from identity.staff import accounts, records
from identity.staff.accounts import NO_FACTOR
from identity.staff.add import ExcludedRole, keep_apart, known_form, unit_name
from identity.staff.records import Role
from identity.staff.roles import LASTING, excluded_by


class NoSuchStaff(NotFound):
    """Nobody works here under this name: unknown, or gone."""

    slug = "no-such-staff"
    title = "Nobody works here under this name"


class NothingChanges(InvalidRequest):
    """The account is already as it is told to become."""

    slug = "nothing-changes"
    title = "The account is like that already"


def member(username: str) -> Any:  # noqa: ANN401 - a row of the staff table
    """The account of somebody who works here.

    Raises:
        NoSuchStaff: nobody does under this name.
    """
    found = records.find_by_username(known_form(username))
    if found is None:
        raise NoSuchStaff("nobody works here under this name: see `motlan staff list`")
    return found


def leave(username: str) -> None:
    """The person works here no longer: sessions, password, codes and an open enrolment have ended.

    The name stays with the entries and is never given again.

    Raises:
        NoSuchStaff: nobody works here under this name.
    """
    row, at = member(username), clock.now()
    with transaction():
        gone = records.change(
            row.id,
            ended_at=at,
            changed_at=at,
            password_hash="",
            sealed_factor=accounts.sealed_factor(row, NO_FACTOR),
        )
        if not gone:  # somebody else was faster
            raise NoSuchStaff("nobody works here under this name any more")
        records.end_sessions(row.id, at=at)
        records.replace_recovery_codes(row.id, (), at=at)
        trail.record("staff:left", Who(), subject=about(row))


def move(username: str, unit: str) -> str:
    """The person works in another unit from now on, whose name this is; they sign in again.

    Raises:
        NoSuchStaff: nobody works here under this name.
        NothingChanges: they work there already.
        add.UnfitAccount: this is no unit's name.
    """
    row, unit = member(username), unit_name(unit)
    if row.unit == unit:
        raise NothingChanges("this is the unit already")
    with transaction():
        _change(row, {"unit": unit})
    return unit


def change_role(username: str, role: Role) -> None:
    """The person has another role from now on; they sign in again.

    An account never crosses to a role that excludes its own: the entries name the account, and it
    would stand on both sides of a review. Nor does it leave one that excludes another for good.

    Raises:
        NoSuchStaff: nobody works here under this name.
        NothingChanges: they have this role already.
        ExcludedRole: this role, or another account of the person, excludes the new one, or this
            role is kept for good.
    """
    row = member(username)
    if row.role is role:
        raise NothingChanges("this is the role already")
    with transaction():
        if row.role in LASTING or excluded_by(role, now=[row.role]):
            raise ExcludedRole(f"an account that was {row.role} never becomes {role}: make another")
        if row.own_citizen_id is not None:
            keep_apart(role, person=row.own_citizen_id)
        _change(row, {"role": role})


def identify(username: str, person: uuid.UUID) -> None:
    """The account knows whose citizen it is, or that it was told wrongly; sessions have ended.

    From now on its owner opens no entry about themself, and gives themself no letter. Whose number
    it is stands nowhere in the log.

    Raises:
        NoSuchStaff: nobody works here under this name.
        NothingChanges: the account knows that already.
        ExcludedRole: another account of this person has, or had, a role that excludes this one.
    """
    row = member(username)
    if row.own_citizen_id == person:
        raise NothingChanges("this is the number already")
    with transaction():
        held = records.held(row.id)  # nobody gives the account another role meanwhile
        if held is None:
            raise NoSuchStaff("nobody works here under this name any more")
        keep_apart(held.role, person=person)
        records.change(row.id, own_citizen_id=person)
        records.end_sessions(row.id, at=clock.now())
        was = "unknown" if row.own_citizen_id is None else "another"
        trail.record("staff:changed", Who(), subject=about(row, changed="number", was=was))


def about(row: Any, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - an account, or who is signed in
    """The subject's part of an entry about a staff account: by id, never by name."""
    return {"staff": row.id.hex, "role": str(row.role), "unit": row.unit, **more}


def _change(row: Any, values: dict[str, Any]) -> None:  # noqa: ANN401 - as above
    if not records.change(row.id, **values):
        raise NoSuchStaff("nobody works here under this name any more")
    records.end_sessions(row.id, at=clock.now())
    what, was = next(iter(values)), {name: str(getattr(row, name)) for name in values}
    now = {name: str(value) for name, value in values.items()}
    trail.record(
        "staff:changed", Who(), subject=about(row) | now | {"changed": what, "was": was[what]}
    )
