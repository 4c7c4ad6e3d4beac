"""Doors ahead of pages: they answer what needs no page, and pass on the rest (decision 0043)."""

from typing import TYPE_CHECKING, Any, NoReturn

from identity.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask

    from identity.doors import Door

TABLE = "motlan.ahead"
# Where it stands that a page answers what came to a door, and the refusal it shows, if any.
PASSED_ON = "motlan.passed_on"


class PassedOn(BaseException):
    """The page of the same address answers; what was asked for has not been done.

    No `Exception`, so that nobody on the way takes it for an accident.
    """

    def __init__(self, refusal: Refusal | None = None) -> None:
        super().__init__()
        self.refusal = refusal  # null: the page begins anew


def pass_on(refusal: Refusal) -> NoReturn:
    """How a door refuses that stands ahead of a page: people read it there.

    Raises:
        PassedOn: always.
    """
    raise PassedOn(refusal)


def add(app: "Flask", door: "Door") -> None:
    """Ask the door before the page of the same address; without the express lane nobody does."""
    app.extensions.setdefault(TABLE, {})[(door.method, door.path)] = door


def raise_passed_on(environ: "Mapping[str, Any]") -> None:
    """What the page does first: show what the door ahead of it would have refused.

    Raises:
        Refusal: there is such a thing.
    """
    refusal: Refusal | None = environ.get(PASSED_ON)
    if refusal is not None:
        raise refusal
