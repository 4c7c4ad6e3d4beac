"""What was granted: the decisions a public service may use, and the gate that looks each time."""

from datetime import timedelta

from flask import Flask

from identity.granted import sweeping
from identity.joining import Duty, joined

SWEEP_EVERY = timedelta(seconds=10)


def join(app: Flask) -> None:
    """Bring this area's duty; it has no page."""
    _ = app
    joined().duties.append(Duty("grants", SWEEP_EVERY, sweeping.sweep))
