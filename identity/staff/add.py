"""Somebody begins to work here: a staff account with one role."""

import re
import unicodedata
import uuid
from dataclasses import dataclass, field

from identity import clock, settings, trail
from identity.citizens import passwords
from identity.citizens.people import DEMO
from identity.database import new_id, transaction
from identity.entry import Who
from identity.errors import InvalidRequest
from identity.staff import accounts, records
from identity.staff.accounts import Factor
from identity.staff.records import Role

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")


class UnfitAccount(InvalidRequest):
    """The account cannot be made as it was told; the sentence says why."""

    slug = "unfit-account"
    title = "The staff account cannot be made"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStaff:
    """Who begins: the account as the operator tells it."""

    username: str
    name: str = field(repr=False)
    role: Role
    unit: str
    password: str = field(repr=False)
    factor: Factor
    own_citizen_id: uuid.UUID | None = None  # null: unknown


def known_form(username: str) -> str:
    """The one form in which a username is kept and looked for."""
    return unicodedata.normalize("NFKC", username).strip().lower()


def find_staff(username: str) -> uuid.UUID | None:
    """The id of the staff member with this username; null: nobody works here under it."""
    found = records.find_by_username(known_form(username))
    return None if found is None else found.id


def add_staff(new: NewStaff) -> uuid.UUID:
    """The account exists and its beginning stands in the log.

    Raises:
        UnfitAccount: the username is taken or no username, or a fixed code outside the demo.
    """
    username = known_form(new.username)
    if not _USERNAME.fullmatch(username):
        raise UnfitAccount("a username has 2 to 64 of a-z, 0-9, dot, dash and underscore")
    if records.is_taken(username):
        raise UnfitAccount("this username is taken")
    if new.factor.kind == DEMO and not settings.current().demo:
        raise UnfitAccount("a fixed one-time code needs MOTLAN_DEMO=1")
    staff_id, at = new_id(), clock.now()
    row = {
        "id": staff_id,
        "username": username,
        "role": new.role,
        "unit": new.unit,
        "own_citizen_id": new.own_citizen_id,
        "password_hash": passwords.hash_password(new.password),
        "last_step": 0,
        "created_at": at,
        "ended_at": None,
    }
    with transaction():
        records.add(row | accounts.sealed(staff_id, new.name, factor=new.factor))
        subject = {"staff": staff_id.hex, "role": str(new.role), "unit": new.unit}
        trail.record("staff:added", Who(), subject=subject)
    return staff_id
