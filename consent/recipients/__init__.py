"""Recipients: by when each that was told of a withdrawal has to have acted, and who is silent."""

from typing import TYPE_CHECKING

from consent.recipients import pages, review
from identity.joining import Waiting, joined

if TYPE_CHECKING:
    from flask import Flask


def join(app: "Flask") -> None:
    """Bring the officers' page, and how many recipients are silent on their desk."""
    app.register_blueprint(pages.pages)
    joined().waiting.append(
        Waiting("/audit/recipients", "Cơ quan chưa xác nhận tin rút lại", review.count_silent)
    )
