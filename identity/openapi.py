"""What the machine endpoints take and answer, as OpenAPI 3.1, drawn from the `DOORS` table."""

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema, fields

from identity import doors, errors, settings
from identity.doors import FORM, Door, Request
from identity.messages import Response
from identity.provider import token
from identity.public_services import credentials

if TYPE_CHECKING:
    from flask import Flask

Doors = Mapping[tuple[str, str], Door]
PATH = "/api/openapi.json"
_PARAMETER = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>")
_MAY_CACHE = (("Content-Type", "application/json"), ("Cache-Control", "public, max-age=300"))
# What any door may say besides its own answers; `doors.serve` and the edge see to these.
_ALWAYS = (400, 413, 414, 429, 500, 503)


class ProblemSchema(Schema):
    """Problem details, RFC 9457 §3."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)


class OAuthErrorSchema(Schema):
    """The JSON error of RFC 6749 §5.2."""

    error = fields.String(required=True)
    error_description = fields.String(required=True)
    error_uri = fields.String(required=True)


def join(app: "Flask") -> None:
    """Bring the door that describes all doors, itself included."""
    table: Doors = app.extensions.setdefault("motlan.doors", {})

    @cache
    def drawn() -> bytes:
        return json.dumps(document(table), ensure_ascii=False).encode()

    def describe(_request: Request, _caller: object) -> Response:
        return Response(200, drawn(), _MAY_CACHE)

    door = Door(
        method="GET",
        path=PATH,
        function=describe,
        guard=doors.anyone,
        refusals=errors.explain,
        summary="This description",
        answers={200: "OpenAPI 3.1"},
    )
    doors.add(app, (door,))


def document(table: Doors) -> dict[str, Any]:
    """The whole description."""
    spec = APISpec(
        title="Một Lần",
        version=version("mot-lan"),
        openapi_version="3.1.0",
        plugins=[MarshmallowPlugin()],
        servers=[{"url": settings.current().issuer}],
    )
    for name, scheme in SECURITY.items():
        spec.components.security_scheme(name, scheme)
    for door in documented(table):
        path = _PARAMETER.sub(r"{\1}", door.path)
        spec.path(path=path, operations={door.method.lower(): _operation(door)})
    described: dict[str, Any] = spec.to_dict()
    return described


def documented(table: Doors) -> list[Door]:
    """The doors that outsiders may use, by path."""
    shown = [door for door in table.values() if door.is_documented]
    return sorted(shown, key=lambda door: (door.path, door.method))


SECURITY: Mapping[str, dict[str, Any]] = {
    "accessToken": {"type": "http", "scheme": "bearer", "description": "RFC 6750"},
    "clientSecret": {"type": "http", "scheme": "basic", "description": "RFC 6749 §2.3.1"},
}


def callers(door: Door) -> str | None:
    """Which credential the door wants; null: none."""
    if door.guard is doors.anyone:
        return None
    own = (credentials.authenticate, token.authenticated)
    return "clientSecret" if door.guard in own else "accessToken"


def _operation(door: Door) -> dict[str, Any]:
    credential = callers(door)
    drawn: dict[str, Any] = {
        "summary": door.summary,
        "operationId": _operation_id(door),
        "parameters": [_in_path(name) for name in _PARAMETER.findall(door.path)],
        "responses": _answers(door),
        "security": [{credential: []}] if credential else [],
    }
    if door.body is not None:
        drawn["requestBody"] = _body("application/json", door.body, is_required=True)
    elif door.method == "POST":
        form = {"type": "object", "additionalProperties": {"type": "string"}}
        drawn["requestBody"] = _body(FORM, form, is_required=False)
    return drawn


def _operation_id(door: Door) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", door.path.lower()).strip("_")
    return f"{door.method.lower()}_{words}"


def _in_path(name: str) -> dict[str, Any]:
    return {"in": "path", "name": name, "required": True, "schema": {"type": "string"}}


def _body(media_type: str, schema: Any, *, is_required: bool) -> dict[str, Any]:  # noqa: ANN401 - marshmallow or JSON Schema
    return {"required": is_required, "content": {media_type: {"schema": schema}}}


def _answers(door: Door) -> dict[str, Any]:
    """Its own answers, and what every door of its kind may refuse with."""
    statuses = {*_ALWAYS}
    if callers(door) is not None:
        statuses |= {401, 403}
    if door.method in {"POST", "PUT", "PATCH"}:
        statuses |= {415}
    if "<" in door.path:
        statuses |= {404}
    refused = {str(status): _refusal(door) for status in sorted(statuses)}
    return refused | {str(status): _answer(told) for status, told in door.answers.items()}


def _answer(told: Any) -> dict[str, Any]:  # noqa: ANN401 - a schema or a sentence
    if isinstance(told, str):
        return {"description": told}
    return {"description": "as asked", "content": {"application/json": {"schema": told}}}


def _refusal(door: Door) -> dict[str, Any]:
    if door.refusals is errors.tell:
        content: dict[str, Any] = {"application/json": {"schema": OAuthErrorSchema}}
    else:
        content = {"application/problem+json": {"schema": ProblemSchema}}
    return {"description": "refused, and why", "content": content}
