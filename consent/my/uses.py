"""How often a person's data was used: told by the log itself, and by nothing beside it."""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from consent.my import records
from consent.my.records import Narrowed
from identity import sealing
from identity.entry import open_part

RELEASED = "attributes:released"
# So many entries are opened for one page; of a person with more, the numbers say "more than".
MOST = 1_000


@dataclass(slots=True)
class Used:
    """What the log says of one decision or one attribute."""

    times: int = 0
    last_at: datetime | None = None  # null: never, as far as was read
    services: set[uuid.UUID] = field(default_factory=set)

    def add(self, row: Any) -> None:  # noqa: ANN401 - a row of `records.entries`
        """Count one release; they come newest first."""
        self.times += 1
        self.last_at = self.last_at or row.at
        self.services.add(row.public_service_id)


@dataclass(frozen=True, slots=True)
class Uses:
    """The releases of one person's data, by decision and by attribute."""

    of_decision: Mapping[str, Used]
    of_attribute: Mapping[str, Used]
    is_whole: bool  # else there are older ones, and each number is a least one

    def decision(self, decision_id: uuid.UUID) -> Used:
        """What was had on one decision."""
        return self.of_decision.get(str(decision_id)) or Used()

    def attribute(self, name: str) -> Used:
        """How often one attribute was had."""
        return self.of_attribute.get(name) or Used()


def uses(citizen_id: uuid.UUID) -> Uses:
    """What the newest thousand releases about a person tell."""
    rows = records.entries(citizen_id, Narrowed(types=(RELEASED,)), limit=MOST + 1)
    decisions: dict[str, Used] = {}
    attributes: dict[str, Used] = {}
    for row in rows[:MOST]:
        told = subject(row)
        _count(row, [told.get("decision_id")], into=decisions)
        _count(row, told.get("attributes", ()), into=attributes)
    return Uses(decisions, attributes, is_whole=len(rows) <= MOST)


def _count(row: Any, names: Iterable[str | None], *, into: dict[str, Used]) -> None:  # noqa: ANN401 - as above
    for name in names:
        if name:
            into.setdefault(name, Used()).add(row)


def subject(row: Any) -> Mapping[str, Any]:  # noqa: ANN401 - as above
    """What an entry says about its person; nothing where it was erased or does not open.

    A list that counts needs no more of it; the entry's own page tells what is amiss.
    """
    if row.kek_id is None or row.subject_wrapped is None:
        return {}
    try:
        key = sealing.ring().unwrap(bytes(row.subject_wrapped), row.kek_id)
        sealed, commit = bytes(row.sealed_subject), bytes(row.c_subject)
        stored = open_part(sealed, key, commit=commit, is_subject=True)
    except sealing.Unreadable:
        return {}
    told: Mapping[str, Any] = json.loads(stored)
    return told


def lacked(rows: Sequence[Any]) -> list[str]:
    """What was asked for in these entries and was not there, each once."""
    told = [subject(row).get("without", ()) for row in rows if row.type == RELEASED]
    return list(dict.fromkeys(name for names in told for name in names))
