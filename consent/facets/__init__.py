"""What entries are found by: drawn from the log for the officers' lists, and no part of it."""

from datetime import timedelta
from typing import TYPE_CHECKING

from consent.facets import draw
from identity.joining import Duty, Purge, joined

if TYPE_CHECKING:
    from flask import Flask

# The desk shows 48 of them; the rest is for whoever asks what a month was like.
HOURS_KEPT = timedelta(days=60)


def join(_app: "Flask") -> None:
    """Bring the worker's duty, and the end of what it counts."""
    joined().duties.append(Duty("facets", timedelta(milliseconds=200), draw.draw))
    joined().purges.append(Purge("log_hour", "hour_at", HOURS_KEPT))
