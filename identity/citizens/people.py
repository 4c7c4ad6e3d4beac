"""Who a person is, as the register knows it: opened on demand, never kept open."""

import json
import uuid
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from identity import clock, sealing
from identity.citizens import records
from identity.citizens.birth_date import BirthDate
from identity.citizens.national_id import NationalId, Sex
from identity.citizens.records import Status
from identity.database import new_id
from identity.errors import NotFound
from identity.together import Answer, Clause, look
from identity.written import own_json

TABLE, COLUMN = "citizen_identity", "sealed"
PURPOSE = "national-id"  # of the blind index; never changes
DEMO, TOTP = "demo", "totp"  # kinds of second factor: one fixed code, or RFC 6238


Members = dict[str, str]  # of an identity, as they are stored and told


class NoSuchCitizen(NotFound):
    """Nobody has this id, or the person's key was destroyed."""

    slug = "no-such-citizen"
    title = "There is no such citizen"


@dataclass(frozen=True, slots=True)
class Identity:
    """The four values that identity keeps. They never show themselves in a repr."""

    national_id: NationalId = field(repr=False)
    full_name: str = field(repr=False)
    date_of_birth: BirthDate = field(repr=False)
    sex: Sex = field(repr=False)

    def members(self) -> Members:
        """The four as texts; these names and forms never change, only members may be added."""
        return {
            "national_id": self.national_id.reveal(),
            "full_name": self.full_name,
            "date_of_birth": self.date_of_birth.written(),
            "sex": self.sex.value,
        }

    def stored(self) -> bytes:
        """The members as JSON."""
        return json.dumps(self.members(), ensure_ascii=False, sort_keys=True).encode()

    @classmethod
    def read(cls, members: Members) -> "Identity":
        """The identity that has these members."""
        return cls(
            NationalId.strict(members["national_id"]),
            members["full_name"],
            BirthDate.parse(members["date_of_birth"]),
            Sex(members["sex"]),
        )


@dataclass(frozen=True, slots=True)
class Person:
    """A person with their account's state; `as_of` is the import that last changed the four."""

    citizen_id: uuid.UUID
    identity: Identity
    status: Status
    account_level: int
    as_of: date

    @property
    def national_id(self) -> NationalId:
        """The personal number."""
        return self.identity.national_id

    @property
    def full_name(self) -> str:
        """The name as registered."""
        return self.identity.full_name

    @property
    def date_of_birth(self) -> BirthDate:
        """The date of birth, as exact as it is known."""
        return self.identity.date_of_birth

    @property
    def sex(self) -> Sex:
        """As registered."""
        return self.identity.sex


def person(citizen_id: uuid.UUID) -> Person:
    """The person with this id.

    Raises:
        NoSuchCitizen: unknown, or erased.
    """
    answer = look(records.person_clause(citizen_id))
    if answer is None:
        raise NoSuchCitizen("there is no such citizen")
    return _person_from(answer, citizen_id)


def identity_clause(citizen_id: uuid.UUID) -> Clause:
    """The clause `person` of a joined statement; `members_from` and `key_from` open its answer."""
    return records.identity_clause(citizen_id)


def _person_from(answer: Answer, citizen_id: uuid.UUID) -> Person:
    """The person whom the clause `person` read, account and all."""
    row = (citizen_id, answer["person.version"])
    return Person(
        citizen_id,
        open_identity(answer["person.sealed"], key_from(answer), row=row),
        Status(answer["person.status"]),
        answer["person.account_level"],
        answer["person.as_of"],
    )


def members_from(answer: Answer, citizen_id: uuid.UUID, *, key: bytes | sealing.Opener) -> Members:
    """What the identity says whom the clause `person` read, for whoever passes it on as it is."""
    row = (citizen_id, answer["person.version"])
    return _opened_members(answer["person.sealed"], key, row=row)


def key_from(answer: Answer) -> bytes:
    """The person's data key, which also opens their values."""
    return sealing.ring().unwrap(answer["person.wrapped"], answer["person.kek_id"])


def citizen_key(citizen_id: uuid.UUID) -> bytes:
    """The data key of one person.

    Raises:
        NoSuchCitizen: unknown, or erased.
    """
    found = records.find_wrapped_key(citizen_id)
    if found is None:
        raise NoSuchCitizen("there is no such citizen")
    return sealing.ring().unwrap(found.wrapped, found.kek_id)


def find_by_number(number: NationalId) -> uuid.UUID | None:
    """Whose personal number this is; null where it is nobody's."""
    found = records.find_by_indexes(indexes(number))
    return next(iter(found.values()), None)


def indexes(number: NationalId) -> tuple[tuple[str, bytes], ...]:
    """Under which blind indexes a number is found, newest key first."""
    return sealing.ring().blind_indexes(number.reveal(), PURPOSE)


def seal_identity(identity: Identity, key: bytes, *, row: tuple[uuid.UUID, int]) -> bytes:
    """The identity as the row of one person and version keeps it."""
    return sealing.seal(key, identity.stored(), table=TABLE, column=COLUMN, row=_name(row))


def open_identity(sealed: bytes, key: bytes, *, row: tuple[uuid.UUID, int]) -> Identity:
    """What `seal_identity` closed.

    Raises:
        sealing.Unreadable: another person's row, another version, or changed bytes.
    """
    return Identity.read(_opened_members(sealed, key, row=row))


def _opened_members(
    sealed: bytes, key: bytes | sealing.Opener, *, row: tuple[uuid.UUID, int]
) -> Members:
    opened = sealing.open_sealed(key, sealed, table=TABLE, column=COLUMN, row=_name(row))
    members: Members = own_json(opened.decode())
    return members


def _name(row: tuple[uuid.UUID, int]) -> str:
    return f"{row[0].hex}:{row[1]}"


def seal_factor(citizen_id: uuid.UUID, key: bytes, *, kind: str, secret: str) -> dict[str, Any]:
    """A second factor as its row keeps it, sealed under the person's key."""
    factor_id = new_id()
    place = {"table": "second_factor", "column": "sealed", "row": factor_id.hex}
    return {
        "citizen_id": citizen_id,
        "id": factor_id,
        "kind": kind,
        "sealed": sealing.seal(key, secret.encode(), **place),
        "last_step": 0,
        "created_at": clock.now(),
        "ended_at": None,
    }


def open_factor(row: Any, key: bytes) -> str:  # noqa: ANN401 - a row of `records.factors`
    """The secret or the fixed code that `seal_factor` closed."""
    place = {"table": "second_factor", "column": "sealed", "row": row.id.hex}
    return sealing.open_sealed(key, row.sealed, **place).decode()
