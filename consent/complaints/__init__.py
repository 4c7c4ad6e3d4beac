"""Complaints: a citizen does not recognise a look, a security officer answers, both see it."""

from typing import TYPE_CHECKING

from consent.complaints import pages, review
from identity.joining import Waiting, joined

if TYPE_CHECKING:
    from flask import Flask


def join(app: "Flask") -> None:
    """Bring the pages of citizens and officers, and what waits for the officers."""
    app.register_blueprint(pages.pages)
    joined().waiting.append(
        Waiting("/audit/complaints", "Khiếu nại đang chờ trả lời", review.count_waiting)
    )
