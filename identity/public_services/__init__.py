"""Who may ask."""

from datetime import timedelta

from flask import Flask

from identity.joining import Purge, joined
from identity.public_services import registered, service_keys


def join(_app: Flask) -> None:
    """Bring what this area throws away; a new app starts with an empty memory."""
    registered.forget()
    service_keys.forget()
    # An assertion is refused by its own time long before its mark goes.
    joined().purges.append(Purge("spent_assertion", "expires_at", timedelta(minutes=10)))
