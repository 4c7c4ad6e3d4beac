"""Receipts: from the number of one, everything that proves what was decided (D356 Art. 6)."""

from typing import TYPE_CHECKING

from consent.receipts import pages

if TYPE_CHECKING:
    from flask import Flask


def join(app: "Flask") -> None:
    """Bring the officers' pages."""
    app.register_blueprint(pages.pages)
