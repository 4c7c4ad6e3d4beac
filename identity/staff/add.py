"""Somebody begins to work here: a staff account with one role."""

import re
import unicodedata
import uuid
from dataclasses import dataclass, field

from identity import clock, settings, trail
from identity.citizens import passwords
from identity.citizens.people import DEMO
from identity.citizens.person_name import MalformedName, registered_name
from identity.database import new_id, transaction
from identity.entry import Who
from identity.errors import InvalidRequest
from identity.factors.password_rules import unaccented
from identity.staff import accounts, records
from identity.staff.accounts import NO_FACTOR, Factor
from identity.staff.records import Role
from identity.staff.roles import excluded_by

LONGEST_UNIT = 200
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")


class UnfitAccount(InvalidRequest):
    """The account cannot be made as it was told; the sentence says why."""

    slug = "unfit-account"
    title = "The staff account cannot be made"


class ExcludedRole(InvalidRequest):
    """The person has, or once had, a role that this one must be kept apart from."""

    slug = "excluded-role"
    title = "This person cannot have this role"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStaff:
    """Who begins: the account as the operator tells it."""

    username: str
    name: str = field(repr=False)
    role: Role
    unit: str
    password: str = field(default="", repr=False)  # empty: the person chooses it at enrolment
    factor: Factor = NO_FACTOR
    own_citizen_id: uuid.UUID | None = None  # null: unknown


def known_form(username: str) -> str:
    """The one form in which a username is kept and looked for."""
    return unicodedata.normalize("NFKC", username).strip().lower()


def unit_name(text: str) -> str:
    """A unit as it is kept. Letters' case does not make another unit: the first spelling stays.

    Raises:
        UnfitAccount: no text, too long, or with characters that nobody sees.
    """
    unit = " ".join(unicodedata.normalize("NFC", text).split())
    if not 0 < len(unit) <= LONGEST_UNIT or not unit.isprintable():
        raise UnfitAccount(f"a unit has 1 to {LONGEST_UNIT} visible characters")
    same = (known for known in records.units() if known.casefold() == unit.casefold())
    return next(same, unit)


def proposed_username(name: str) -> str:
    """A username made of a name as Vietnamese offices do: the last part, then the initials."""
    parts = re.findall(r"[a-z]+", unaccented(name).lower())
    stem = "".join([*parts[-1:], *(part[0] for part in parts[:-1])])[:60] or "staff"
    stem = stem if _USERNAME.fullmatch(stem) else f"{stem}.1"
    number, proposal = 1, stem
    while records.is_taken(proposal):
        number += 1
        proposal = f"{stem}{number}"
    return proposal


def find_staff(username: str) -> uuid.UUID | None:
    """The id of the staff member with this username; null: nobody works here under it."""
    found = records.find_by_username(known_form(username))
    return None if found is None else found.id


def add_staff(new: NewStaff) -> uuid.UUID:
    """The account exists and its beginning stands in the log.

    Raises:
        UnfitAccount: the username is taken or no username, a name or unit that is none, or a
            fixed code outside the demo.
        ExcludedRole: the person has a role that excludes this one.
    """
    row = account(new)
    with transaction():
        return put(row)


def account(new: NewStaff) -> dict[str, object]:
    """The row of an account that may be made; nothing is written yet.

    Raises:
        UnfitAccount: as for `add_staff`.
    """
    username = known_form(new.username)
    if not _USERNAME.fullmatch(username):
        raise UnfitAccount("a username has 2 to 64 of a-z, 0-9, dot, dash and underscore")
    if records.is_taken(username):
        raise UnfitAccount("this username is taken, or was once: names are never given twice")
    if new.factor.kind == DEMO and not settings.current().demo:
        raise UnfitAccount("a fixed one-time code needs MOTLAN_DEMO=1")
    try:
        name = registered_name(new.name)
    except MalformedName as fault:
        raise UnfitAccount(str(fault)) from None
    staff_id = new_id()
    return {
        "id": staff_id,
        "username": username,
        "role": new.role,
        "unit": unit_name(new.unit),
        "own_citizen_id": new.own_citizen_id,
        "password_hash": passwords.hash_password(new.password) if new.password else "",
        "last_step": 0,
        "created_at": clock.now(),
        "ended_at": None,
        "changed_at": None,
    } | accounts.sealed(staff_id, name, factor=new.factor)


def put(row: dict[str, object]) -> uuid.UUID:
    """The account is there, with its entry; in the running transaction.

    Raises:
        ExcludedRole: the person has a role that excludes this one.
    """
    staff_id, role, person = row["id"], row["role"], row["own_citizen_id"]
    assert isinstance(staff_id, uuid.UUID)  # noqa: S101 - made by `account`
    if isinstance(person, uuid.UUID):
        keep_apart(Role(str(role)), person=person)
    records.add(row)
    subject = {"staff": staff_id.hex, "role": str(role), "unit": row["unit"]}
    trail.record("staff:added", Who(), subject=subject)
    return staff_id


def keep_apart(role: Role, *, person: uuid.UUID) -> None:
    """This person may have this role; nobody gives them another one meanwhile.

    In the running transaction.

    Raises:
        ExcludedRole: they have a role that excludes it, or had one that does so for good.
    """
    theirs = records.hold_person(person)
    now = [row.role for row in theirs if row.ended_at is None]
    if other := excluded_by(role, now=now, before=[row.role for row in theirs]):
        raise ExcludedRole(f"who is or was {other} is never {role} as well")
