"""What binds a token to its sender: a key that proves itself with each request."""

from datetime import timedelta

from flask import Flask

from identity.binding.records import SpentProof
from identity.joining import Purge, joined

KEPT = timedelta(minutes=10)  # longer than any of our clocks differ


def join(app: Flask) -> None:
    """Bring this area's purge; it has no page."""
    _ = app
    joined().purges.append(Purge(SpentProof.__tablename__, "expires_at", KEPT))
