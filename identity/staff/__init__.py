"""The people who work here."""

from datetime import timedelta

from flask import Flask

from identity.joining import Purge, joined
from identity.staff import pages


def join(app: Flask) -> None:
    """Bring this area's pages and purges."""
    app.register_blueprint(pages.pages)
    joined().purges.append(Purge("staff_session", "expires_at", timedelta(days=30)))
