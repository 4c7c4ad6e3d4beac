"""Printed recovery codes: ten at a time, each a second factor that works once."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from identity import clock
from identity.factors import printed_code, records

COUNT = 10
FEW = 3  # from here on the person is told how many are left
PURPOSE = "recovery-code"  # of the digest; never changes


@dataclass(frozen=True, slots=True)
class Left:
    """A person's newest set."""

    made: int
    left: int
    made_at: datetime | None  # null: there is no set

    @property
    def are_few(self) -> bool:
        """Whether it is time to make new ones."""
        return self.made > 0 and self.left <= FEW


def new_codes() -> tuple[str, ...]:
    """Ten codes as they are printed; nobody's until they are kept."""
    return tuple(printed_code.new() for _ in range(COUNT))


def keep(citizen_id: uuid.UUID, codes: tuple[str, ...]) -> None:
    """These are the person's codes, and the ones of before are worth nothing; in a transaction."""
    kept = [printed_code.digests(citizen_id, code, purpose=PURPOSE)[0] for code in codes]
    records.replace_codes(citizen_id, kept, at=clock.now())


def forget(citizen_id: uuid.UUID) -> None:
    """The person's codes are worth nothing, and there are no others; in a transaction."""
    records.delete_codes(citizen_id)


def spend(citizen_id: uuid.UUID, text: str) -> bool:
    """Whether this is one of the person's codes and was still good; it is spent now."""
    known = digests(citizen_id, text)
    return bool(known) and records.spend_code(citizen_id, known, at=clock.now())


def digests(citizen_id: uuid.UUID, text: str) -> tuple[bytes, ...]:
    """Under which digests this printed code of the person would stand; none: it is no such code."""
    code = printed_code.typed(text)
    return () if code is None else printed_code.digests(citizen_id, code, purpose=PURPOSE)


def left(citizen_id: uuid.UUID) -> Left:
    """How many of the person's codes are still good."""
    found = records.codes(citizen_id)
    return Left(0, 0, None) if found is None else Left(found.made, int(found.left), found.made_at)
