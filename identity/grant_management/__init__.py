"""Public services look at the grants they were given, and give them back."""

from flask import Flask

from identity import doors
from identity.grant_management import grants


def join(app: Flask) -> None:
    """Bring this area's doors."""
    doors.add(app, grants.DOORS)
