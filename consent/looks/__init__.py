"""Who looked: entries of the log, opened to be read, and what holds for whoever reviews it."""

from typing import TYPE_CHECKING

from consent.looks import security
from identity.account import events

if TYPE_CHECKING:
    from flask import Flask


def join(_app: "Flask") -> None:
    """Bring the acts that a person sees among their own account's."""
    events.join(security.latest)
