"""Sign-out that a public service asks for."""

from flask import Flask

from identity import doors
from identity.logout import pages


def join(app: Flask) -> None:
    """Bring this area's pages."""
    doors.describe(app, pages.DESCRIBED)
    app.register_blueprint(pages.pages)
