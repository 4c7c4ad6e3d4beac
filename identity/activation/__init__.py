"""Beginning: a printed letter, then a password and a second factor of one's own."""

from datetime import timedelta
from typing import TYPE_CHECKING

from identity.activation import records
from identity.joining import Purge, joined

if TYPE_CHECKING:
    from flask import Flask


def join(_app: "Flask") -> None:
    """Bring this area's purge."""
    joined().purges.append(
        Purge(records.ActivationLetter.__tablename__, "expires_at", timedelta(0))
    )
