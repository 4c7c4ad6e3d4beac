"""The citizen's own pages: what needs attention, one's data, who may use it, who looked."""

from typing import TYPE_CHECKING

from consent.my import pages
from identity.joining import MenuEntry, joined

if TYPE_CHECKING:
    from flask import Flask


def join(app: "Flask") -> None:
    """Bring the pages and their places in the menu, in the order in which people ask."""
    app.register_blueprint(pages.pages)
    joined().menu += [
        MenuEntry("/my/data", "Dữ liệu của tôi"),
        MenuEntry("/my/consents", "Ai đang được dùng dữ liệu của tôi"),
        MenuEntry("/my/access", "Ai đã xem dữ liệu của tôi"),
        MenuEntry("/my/complaints", "Khiếu nại và phản đối"),
    ]
