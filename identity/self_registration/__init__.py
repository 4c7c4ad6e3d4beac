"""How a public service gets on record by itself: RFC 7591, RFC 7592."""

from flask import Flask

from identity import doors
from identity.self_registration import client_configuration, client_registration, commands


def join(app: Flask) -> None:
    """Bring this area's doors; its commands stand beside `services import`."""
    _ = commands
    doors.add(app, client_registration.DOORS)
    doors.add(app, client_configuration.DOORS)
