"""Who looked: the citizen's own timeline, and the security officers' review of the log."""

from typing import TYPE_CHECKING

from consent.looks import pages
from identity.joining import MenuEntry, joined

if TYPE_CHECKING:
    from flask import Flask


def join(app: "Flask") -> None:
    """Bring the pages and their place in the citizen's menu."""
    app.register_blueprint(pages.pages)
    joined().menu.append(MenuEntry("/my/access", "Ai đã xem dữ liệu của tôi"))
