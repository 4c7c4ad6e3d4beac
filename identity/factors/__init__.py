"""What a person proves themself with, and how it is chosen: passwords, apps, printed codes."""

from datetime import timedelta
from typing import TYPE_CHECKING

from identity.factors import records
from identity.joining import Purge, joined

if TYPE_CHECKING:
    from flask import Flask


def join(_app: "Flask") -> None:
    """Bring this area's purge."""
    joined().purges.append(Purge(records.FactorSetup.__tablename__, "expires_at", timedelta(0)))
