"""How pages look: one style sheet, named after its content, and the components' macros."""

import gzip
import hashlib
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask, Response, request, send_from_directory
from flask.templating import Environment
from jinja2 import BaseLoader, ChoiceLoader, PackageLoader, PrefixLoader

from identity import settings
from identity.guards import anyone, enter

FOLDER = Path(__file__).with_name("static")
COMPONENTS = "govuk_frontend_jinja"
DAY = 24 * 3600
YEAR = 365 * DAY


class Templates(Environment):
    """Flask's, but what all templates know is one dictionary, whole before the first is read.

    Jinja's own is a chain, in which each import of each page would search every name again.
    """

    def make_globals(self, more: Any) -> Any:  # noqa: ANN401 - Jinja's own words
        """What a template knows besides what its page tells it."""
        return {**self.globals, **(more or {})}


class Sheet(NamedTuple):
    """The style sheet as it is sent: another content has another name."""

    name: str
    plain: bytes
    packed: bytes  # gzip; it is the same for everybody, so packing it tells nobody anything


@cache
def sheet() -> Sheet:
    """The sheet of this release, read once a process."""
    plain = (FOLDER / "style.css").read_bytes()
    digest = hashlib.sha256(plain).hexdigest()[:16]
    return Sheet(f"style.{digest}.css", plain, gzip.compress(plain, 9, mtime=0))


def init_app(app: Flask) -> None:
    """Templates find the components, pages the sheet; browsers get what is under `/static`."""
    ours = [app.jinja_loader] if app.jinja_loader else []
    theirs: list[BaseLoader] = [PrefixLoader({COMPONENTS: PackageLoader(COMPONENTS)})]
    app.jinja_loader = ChoiceLoader(ours + theirs)
    app.jinja_env.globals.update(
        stylesheet=lambda: f"/static/{sheet().name}",
        is_sandbox=lambda: settings.current().demo,
    )
    app.add_url_rule("/static/<path:filename>", "static", enter(anyone)(_static))


def _static(filename: str) -> Response:
    if filename == sheet().name:
        return _sent(sheet())
    answer = send_from_directory("static", filename, max_age=DAY)
    answer.headers["Cache-Control"] = f"public, max-age={DAY}"
    return answer


def _sent(wanted: Sheet) -> Response:
    is_packed = request.accept_encodings.quality("gzip") > 0
    answer = Response(wanted.packed if is_packed else wanted.plain, HTTPStatus.OK)
    answer.mimetype = "text/css"
    if is_packed:
        answer.content_encoding = "gzip"
    answer.vary.add("Accept-Encoding")
    answer.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return answer
