"""Exports: lists of the log as files, for a reason that is told; a large one by two officers."""

from datetime import timedelta
from typing import TYPE_CHECKING

from consent.exports import pages, records
from identity.joining import Purge, Waiting, joined

if TYPE_CHECKING:
    from flask import Flask

# So that the page can answer what became of it; the log keeps it for good.
KEPT = timedelta(days=30)


def join(app: "Flask") -> None:
    """Bring the pages, what waits for a second officer, and the end of old requests."""
    app.register_blueprint(pages.pages)
    joined().purges.append(Purge("audit_export", "expires_at", KEPT))
    joined().waiting.append(
        Waiting("/audit/exports", "Yêu cầu xuất đang chờ xác nhận", records.count_waiting)
    )
