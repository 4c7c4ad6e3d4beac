"""One's own account: password, second factor, devices, and what happened to it."""

from flask import Flask

from identity.account import events, pages
from identity.joining import MenuEntry, joined


def join(app: Flask) -> None:
    """Bring the pages. The other half may join who reads the log."""
    events.join(None)
    app.register_blueprint(pages.pages)


def close_menu() -> None:
    """The account is the last entry of the citizen's menu, below what the other half brought."""
    joined().menu.append(MenuEntry("/my/security", "Bảo mật tài khoản"))
