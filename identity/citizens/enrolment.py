"""Enrolment: people and what changed about them, in batches; run again, nothing changes."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from identity import clock, sealing
from identity.citizens import passwords, people, records
from identity.citizens.national_id import Disagreement
from identity.citizens.people import DEMO, Identity
from identity.citizens.records import Status
from identity.citizens.wire import LEVELS, Line
from identity.database import new_id, transaction

if TYPE_CHECKING:
    from identity.columns import Base

# (citizen, why); runs inside the change's transaction.
Ending = Callable[[uuid.UUID, str], None]
_endings: list[Ending] = []


def begin() -> None:
    """Nothing hangs on an account yet; `join` calls it before the areas above add theirs."""
    _endings.clear()


def on_barred(ending: Ending) -> None:
    """From now on this happens too when an account is locked, or its password or owner gone."""
    _endings.append(ending)


@dataclass
class Tally:
    """What one import has done."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """What stands about a person who is enrolled already."""

    row: Any  # of `records.enrolled`
    key: bytes = field(repr=False)
    identity: Identity
    digests: frozenset[bytes]  # the blind indexes that lead here already

    @property
    def citizen_id(self) -> uuid.UUID:
        """Who it is."""
        found: uuid.UUID = self.row.citizen_id
        return found


def enrol(lines: Sequence[Line]) -> Tally:
    """These people are enrolled as the lines say, all of them or none; each number once.

    Whoever is known keeps their id: the number decides who it is.
    """
    known = _known(lines)
    # Before the transaction: nothing slow holds it (design §9).
    standing = [known.get(line.identity.national_id.reveal()) for line in lines]
    with ThreadPoolExecutor(passwords.at_once()) as several:
        hashes = list(several.map(_new_hash, lines, standing))
    tally, newcomers = Tally(), []
    with transaction():
        for line, found, new_hash in zip(lines, standing, hashes, strict=True):
            if found is None:
                newcomers.append((new_id(), line, new_hash))
            elif _change(found, line, new_hash=new_hash):
                tally.changed += 1
            else:
                tally.unchanged += 1
        _add(newcomers)
    tally.added = len(newcomers)
    return tally


def _known(lines: Iterable[Line]) -> dict[str, Known]:
    indexes = {
        digest: (key_id, line.identity.national_id.reveal())
        for line in lines
        for key_id, digest in people.indexes(line.identity.national_id)
    }
    found = records.find_by_indexes((key_id, digest) for digest, (key_id, _) in indexes.items())
    numbers = {citizen_id: indexes[digest][1] for digest, citizen_id in found.items()}
    digests = frozenset(found)
    return {numbers[row.citizen_id]: _open(row, digests) for row in records.enrolled(numbers)}


def _open(row: Any, digests: frozenset[bytes]) -> Known:  # noqa: ANN401 - of `records.enrolled`
    key = sealing.ring().unwrap(row.wrapped, row.kek_id)
    place = (row.citizen_id, row.identity_version)
    return Known(row, key, people.open_identity(row.sealed, key, row=place), digests)


def _new_hash(line: Line, known: Known | None) -> str | None:
    """Null where no password was given, or it is the one that stands."""
    if line.password is None:
        return None
    if known is not None and known.row.hash and passwords.is_right(line.password, known.row.hash):
        return None
    return passwords.hash_password(line.password)


def _change(known: Known, line: Line, *, new_hash: str | None) -> bool:
    """Whether the line says anything new about a person; it stands now."""
    # A new index key since the last import: this number is found under it from now on.
    rows = _indexes(known.citizen_id, line)
    records.add(records.CitizenIndex, [r for r in rows if r["digest"] not in known.digests])
    changed = [
        _change_identity(known, line),
        _change_account(known, line),
        _change_password(known, new_hash),
        _change_code(known, line.one_time_code),
    ]
    return any(changed)


def _change_identity(known: Known, line: Line) -> bool:
    if line.identity == known.identity:
        return False
    version = known.row.identity_version + 1
    sealed = _version(known.citizen_id, line, key=known.key, version=version)
    records.add(records.CitizenIdentity, [sealed])
    records.change(known.citizen_id, {"identity_version": version, "changed_at": clock.now()})
    _warn(known.citizen_id, _disagreements(line))
    return True


def _warn(citizen_id: uuid.UUID, kinds: set[str]) -> None:
    """One open ticket for each kind of disagreement there is now, none for the others."""
    standing = records.open_tickets(citizen_id) & set(Disagreement)
    records.add(records.CitizenTicket, [_ticket(citizen_id, kind) for kind in kinds - standing])
    for kind in standing - kinds:
        records.close_ticket(citizen_id, kind, at=clock.now())


def _change_account(known: Known, line: Line) -> bool:
    standing = (known.row.status, known.row.account_level, known.row.deceased_on)
    # What a line leaves out is not said: nobody is unlocked by the correction of a name.
    status, died = (
        (standing[0], standing[2]) if line.status is None else (line.status, line.deceased_on)
    )
    told = (status, line.account_level or known.row.account_level, died)
    if told == standing:
        return False
    names = ("status", "account_level", "deceased_on", "changed_at")
    records.change(known.citizen_id, dict(zip(names, (*told, clock.now()), strict=True)))
    if status != Status.ACTIVE:
        _bar(known.citizen_id, str(status))
    return True


def _change_password(known: Known, new_hash: str | None) -> bool:
    if new_hash is None:
        return False
    old = known.row.hash
    records.replace_hash(known.citizen_id, new_hash, old=old, at=clock.now())
    _bar(known.citizen_id, "password-change")
    return True


def _change_code(known: Known, code: str | None) -> bool:
    if code is None:
        return False
    standing = [row for row in records.factors(known.citizen_id) if row.kind == DEMO]
    if [people.open_factor(row, known.key) for row in standing] == [code]:
        return False
    records.end_factors(known.citizen_id, DEMO, at=clock.now())
    factor = people.seal_factor(known.citizen_id, known.key, kind=DEMO, secret=code)
    records.add(records.SecondFactor, [factor])
    return True


def _bar(citizen_id: uuid.UUID, by: str) -> None:
    for ending in _endings:
        ending(citizen_id, by)


def _add(newcomers: Sequence[tuple[uuid.UUID, Line, str | None]]) -> None:
    """Rows of every table for all of them, one statement a table."""
    made: dict[type[Base], list[dict[str, Any]]] = {
        table: []
        for table in (
            records.Citizen,
            records.CitizenIdentity,
            records.CitizenKey,
            records.CitizenIndex,
            records.CitizenTicket,
            records.CitizenPassword,
            records.SecondFactor,
        )
    }
    for citizen_id, line, new_hash in newcomers:
        key = sealing.new_data_key()
        made[records.Citizen].append(_head(citizen_id, line))
        made[records.CitizenIdentity].append(_version(citizen_id, line, key=key, version=1))
        made[records.CitizenKey].append(_wrapped(citizen_id, key))
        made[records.CitizenIndex] += _indexes(citizen_id, line)
        made[records.CitizenTicket] += [_ticket(citizen_id, k) for k in _disagreements(line)]
        if new_hash is not None:
            made[records.CitizenPassword].append(_password(citizen_id, new_hash))
        if line.one_time_code is not None:
            made[records.SecondFactor].append(
                people.seal_factor(citizen_id, key, kind=DEMO, secret=line.one_time_code)
            )
    for table, rows in made.items():
        records.add(table, rows)


def _head(citizen_id: uuid.UUID, line: Line) -> dict[str, Any]:
    at = clock.now()
    return {
        "citizen_id": citizen_id,
        "status": line.status or Status.ACTIVE,
        "account_level": line.account_level or LEVELS[0],
        "deceased_on": line.deceased_on,
        "identity_version": 1,
        "created_at": at,
        "changed_at": at,
    }


def _version(citizen_id: uuid.UUID, line: Line, *, key: bytes, version: int) -> dict[str, Any]:
    sealed = people.seal_identity(line.identity, key, row=(citizen_id, version))
    return {
        "citizen_id": citizen_id,
        "version": version,
        "sealed": sealed,
        "as_of": clock.today(),
        "recorded_at": clock.now(),
    }


def _wrapped(citizen_id: uuid.UUID, key: bytes) -> dict[str, Any]:
    wrapped, kek_id = sealing.ring().wrap(key)
    return {"citizen_id": citizen_id, "wrapped": wrapped, "kek_id": kek_id}


def _indexes(citizen_id: uuid.UUID, line: Line) -> list[dict[str, Any]]:
    return [
        {"key_id": key_id, "digest": digest, "citizen_id": citizen_id}
        for key_id, digest in people.indexes(line.identity.national_id)
    ]


def _disagreements(line: Line) -> set[str]:
    told = line.identity
    return {str(each) for each in told.national_id.disagreements(told.date_of_birth, told.sex)}


def _ticket(citizen_id: uuid.UUID, kind: str) -> dict[str, Any]:
    at = clock.now()
    return {
        "citizen_id": citizen_id,
        "id": new_id(),
        "kind": kind,
        "opened_at": at,
        "closed_at": None,
    }


def _password(citizen_id: uuid.UUID, new_hash: str) -> dict[str, Any]:
    return {"citizen_id": citizen_id, "hash": new_hash, "changed_at": clock.now()}
