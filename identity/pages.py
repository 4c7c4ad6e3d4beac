"""Pages that belong to no area: the interface in words, and how pages look."""

import json
from datetime import UTC, datetime
from pathlib import Path

from flask import Blueprint, Flask, current_app, render_template

from identity import errors, openapi, settings
from identity.callers import callers
from identity.guards import anyone, enter

# Names and addresses that are hard to set: stacked marks, and the longest there are.
SAMPLES = Path(__file__).with_name("samples.json")

pages = Blueprint("interface", __name__)


def join(app: Flask) -> None:
    """Bring the pages; how things look is shown in a sandbox only."""
    app.register_blueprint(pages)
    if settings.current().demo:
        app.add_url_rule("/design", "design", enter(anyone)(design))


@pages.get("/docs")
@enter(anyone)
def docs() -> str:
    """Every machine endpoint and error in words; programs read `/api/openapi.json`."""
    return render_template(
        "docs.html",
        doors=openapi.documented(current_app),
        callers=callers,
        path=openapi.PATH,
        refusals=errors.by_slug(),
    )


def design() -> str:
    """Every component of the pages in every state, with words that are hard to set."""
    sample = json.loads(SAMPLES.read_text("utf-8"))
    sample["at"] = datetime(2026, 11, 22, 3, 32, tzinfo=UTC)
    return render_template("design/index.html", sample=sample)
