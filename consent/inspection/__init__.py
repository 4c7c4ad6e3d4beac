"""Who reviews the reviewers: inspectors look at a part of what was looked at, drawn by the log."""

from typing import TYPE_CHECKING

from consent.inspection import pages

if TYPE_CHECKING:
    from flask import Flask


def join(app: "Flask") -> None:
    """Bring the pages."""
    app.register_blueprint(pages.pages)
