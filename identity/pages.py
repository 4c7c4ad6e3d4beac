"""Pages that belong to no area: the readable form of the interface description."""

from flask import Blueprint, Flask, current_app, render_template

from identity import openapi
from identity.guards import anyone, enter

pages = Blueprint("interface", __name__)


def join(app: Flask) -> None:
    """Bring the page."""
    app.register_blueprint(pages)


@pages.get("/docs")
@enter(anyone)
def docs() -> str:
    """Every machine endpoint in words; programs read `/api/openapi.json`."""
    return render_template(
        "docs.html",
        doors=openapi.documented(current_app),
        callers=openapi.callers,
        path=openapi.PATH,
    )
