"""The security officers' desk: what waits, how the log stands, lists of it, and single entries."""

from typing import TYPE_CHECKING

from consent.desk import pages

if TYPE_CHECKING:
    from flask import Flask


def join(app: "Flask") -> None:
    """Bring the pages."""
    app.register_blueprint(pages.pages)
