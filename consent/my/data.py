"""What the state knows about a person, by register: each value with its source and its users."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from consent.attributes import catalogue, masking, values
from consent.attributes.catalogue import Attribute, Register
from consent.attributes.envelopes import TOLD, Value
from consent.my import records
from consent.my.uses import Used, uses
from identity.presentation import by_words
from identity.public_services import registered
from identity.public_services.registered import Registered

FRESH, OLD, DISPUTED, ENDED = "fresh", "old", "disputed", "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One value as its person sees it."""

    attribute: Attribute
    value: Value = field(repr=False)
    used: Used
    users: Sequence[str]  # the organisations that had it, by name
    in_question: bool  # two sources disagree, and nobody has looked yet
    language: str

    @property
    def label(self) -> str:
        """What it is called."""
        return self.attribute.label(self.language)

    @property
    def shown(self) -> str:
        """The value as a text."""
        return self.value.shown(self.language)

    @property
    def covered(self) -> str:
        """The same with its number covered, as it first stands on the page."""
        return masking.masked(self.value, self.language)

    @property
    def is_covered(self) -> bool:
        """Whether the value stands behind `<details>`."""
        return masking.is_covered(self.attribute.name)

    @property
    def is_told(self) -> bool:
        """Whether it is the person's own word."""
        return self.value.source == TOLD

    @property
    def freshness(self) -> str:
        """Whether it can be relied on; a dispute says more than an age."""
        if self.value.is_disputed or self.in_question:
            return DISPUTED
        if self.value.has_ended:
            return ENDED
        return OLD if self.value.is_stale else FRESH


@dataclass(frozen=True, slots=True)
class Shelf:
    """What one register tells; the keeper is who can correct it."""

    register: Register
    items: Sequence[Item]


@dataclass(frozen=True, slots=True)
class Data:
    """Everything that is known here of one person."""

    shelves: Sequence[Shelf]
    is_whole: bool  # whether the numbers of uses are exact


def data(citizen_id: uuid.UUID, *, language: str) -> Data:
    """A person's values, each register's together, in the order of the words on the page."""
    known = values.current(citizen_id, catalogue.attributes())
    questioned = set(records.open_tickets(citizen_id))
    told = uses(citizen_id)
    services = registered.by_ids(
        {one for used in told.of_attribute.values() for one in used.services}
    )
    items = [
        Item(
            attribute=catalogue.attribute(name),
            value=value,
            used=told.attribute(name),
            users=_names(told.attribute(name), services),
            in_question=name in questioned,
            language=language,
        )
        for name, value in known.items()
    ]
    items = sorted(by_words(items, lambda item: item.label), key=_register)
    shelves = [
        Shelf(catalogue.register(name), list(same)) for name, same in groupby(items, key=_register)
    ]
    return Data(sorted(shelves, key=_by_size), told.is_whole)


def _names(used: Used, services: Mapping[uuid.UUID, Registered]) -> Sequence[str]:
    names = {services[one].organisation.name for one in used.services if one in services}
    return by_words(names, str)


def _register(item: Item) -> str:
    return item.value.register


def _by_size(shelf: Shelf) -> tuple[int, str]:
    # The register that knows most comes first; names settle the rest.
    return -len(shelf.items), shelf.register.name
