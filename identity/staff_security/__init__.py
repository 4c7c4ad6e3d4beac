"""What staff change themselves about what proves them here."""

from flask import Flask

from identity.staff_security import pages


def join(app: Flask) -> None:
    """Bring this area's pages."""
    app.register_blueprint(pages.pages)
