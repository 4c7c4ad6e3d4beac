"""Objections: a citizen says that a reuse is wrong, a security officer answers, both see it."""

from typing import TYPE_CHECKING

from consent.objections import pages, review
from identity.joining import Waiting, joined

if TYPE_CHECKING:
    from flask import Flask


def join(app: "Flask") -> None:
    """Bring the pages of citizens and of officers, and what waits for the officers."""
    app.register_blueprint(pages.pages)
    app.register_blueprint(pages.desk)
    joined().waiting.append(
        Waiting("/audit/objections", "Phản đối đang chờ trả lời", review.count_waiting)
    )
