"""What the machine endpoints take and answer, as OpenAPI 3.1, drawn from the `DOORS` table."""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import INCLUDE, Schema, fields, validate

from identity import doors, errors, settings
from identity.callers import OF_CALLERS, SECURITY, callers
from identity.described import HTML, JSON, PLAIN, Answer, Described, Told
from identity.doors import FORM, Door, Request
from identity.errors import Refusal
from identity.messages import Response
from identity.parameters import Parameter

if TYPE_CHECKING:
    from flask import Flask

PATH = "/api/openapi.json"
PROBLEM = "application/problem+json"
TEXT = {"type": "string"}
_PARAMETER = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>")
_MAY_CACHE = (("Content-Type", JSON), ("Cache-Control", "public, max-age=300"))
# What the server and the edge say before any door is asked, in plain text.
_AT_THE_EDGE = {
    400: "this host or address is not served here",
    408: "the body did not come in time",
    414: "the address is too long",
    431: "the headers are too long",
    503: "too many requests wait here",
}
# Which refusals any door knows, and which come with a body or a credential.
_ANY = (errors.InvalidRequest, errors.ServerError, errors.LogUnavailable)
_OF_BODIES = (errors.BodyTooLarge, errors.UnsupportedMediaType)
_SAYABLE = validate.Regexp(f"^{errors.SAYABLE}$")


class ProblemSchema(Schema):
    """Problem details, RFC 9457 §3."""

    class Meta:
        """RFC 9457 §3.2: further members may come."""

        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True, validate=_SAYABLE)
    status = fields.Integer(required=True)
    detail = fields.String(required=True, validate=_SAYABLE)


class OAuthErrorSchema(Told):
    """The JSON error of RFC 6749 §5.2."""

    error = fields.String(required=True)
    error_description = fields.String(required=True, validate=_SAYABLE)
    error_uri = fields.String(required=True)


def join(app: "Flask") -> None:
    """Bring the door that describes all doors, itself included."""

    @cache
    def drawn() -> bytes:
        return json.dumps(document(documented(app)), ensure_ascii=False).encode()

    def describe(_request: Request, _caller: object) -> Response:
        return Response(200, drawn(), _MAY_CACHE)

    door = Door(
        method="GET",
        path=PATH,
        function=describe,
        guard=doors.anyone,
        refusals=errors.explain,
        summary="This description",
        answers={200: Answer("OpenAPI 3.1", {"type": "object", "required": ["openapi", "paths"]})},
    )
    doors.add(app, (door,))


def document(described: Iterable[Described]) -> dict[str, Any]:
    """The whole description."""
    spec = APISpec(
        title="Một Lần",
        version=version("mot-lan"),
        openapi_version="3.1.0",
        plugins=[MarshmallowPlugin()],
        info={"license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"}},
        servers=[{"url": settings.current().issuer}],
    )
    for name, scheme in SECURITY.items():
        spec.components.security_scheme(name, scheme)
    for one in described:
        spec.path(path=spelt(one), operations={one.method.lower(): _operation(one)})
    whole: dict[str, Any] = spec.to_dict()
    return whole


def spelt(one: Described) -> str:
    """Its path as OpenAPI spells one, `/register/{client_id}`."""
    return _PARAMETER.sub(r"{\1}", one.path)


def documented(app: "Flask") -> list[Described]:
    """What outsiders may use, by path: the doors, and the pages that people are sent to."""
    table: Mapping[tuple[str, str], Door] = app.extensions["motlan.doors"]
    pages: list[Described] = app.extensions.get("motlan.described", [])
    shown = [door for door in table.values() if door.is_documented] + pages
    return sorted(shown, key=lambda one: (one.path, one.method))


def _operation(one: Described) -> dict[str, Any]:
    in_path = [_in_path(name) for name in _PARAMETER.findall(one.path)]
    drawn: dict[str, Any] = {
        "summary": one.summary,
        "operationId": _operation_id(one),
        "parameters": in_path + [_in_query(row) for row in one.query],
        "responses": _answers(one),
        "security": _security(callers(one)),
    }
    if one.body is not None:
        drawn["requestBody"] = _body(JSON, one.body, is_required=True)
    elif one.form:
        forms = [_form(rows) for rows in one.form]
        whole = forms[0] if len(forms) == 1 else {"oneOf": forms}
        drawn["requestBody"] = _body(FORM, whole, is_required=any(f["required"] for f in forms))
    return drawn


def _operation_id(one: Described) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", one.path.lower()).strip("_")
    return f"{one.method.lower()}_{words}"


def _security(credential: str | None) -> list[dict[str, list[str]]]:
    if credential is None:
        return []
    # No header is an alternative to the header: the form may hold the proof (see `SECURITY`).
    in_form: list[dict[str, list[str]]] = [{}] if credential == "clientSecret" else []
    return [{credential: []}, *in_form]


def _in_path(name: str) -> dict[str, Any]:
    return {"in": "path", "name": name, "required": True, "schema": TEXT}


def _in_query(row: Parameter) -> dict[str, Any]:
    said = {"in": "query", "name": row.name, "description": row.meaning, "schema": _shape(row)}
    return said | {"required": row.is_required}


def _form(rows: tuple[Parameter, ...]) -> dict[str, Any]:
    """Whatever else is sent is ignored (RFC 6749 §3.2)."""
    return {
        "type": "object",
        "properties": {row.name: _shape(row) | {"description": row.meaning} for row in rows},
        "required": [row.name for row in rows if row.is_required],
        "additionalProperties": True,
    }


def _shape(row: Parameter) -> dict[str, Any]:
    said = {
        "minLength": 1 if row.is_required else None,
        "maxLength": row.longest,
        "pattern": row.pattern,
        "enum": list(row.one_of) or None,
        "examples": None if row.example is None else [row.example],
    }
    return TEXT | {name: value for name, value in said.items() if value is not None}


def _body(media_type: str, schema: Any, *, is_required: bool) -> dict[str, Any]:  # noqa: ANN401 - marshmallow or JSON Schema
    return {"required": is_required, "content": {media_type: {"schema": schema}}}


def refusals(one: Described) -> dict[int, tuple[type[Refusal], ...]]:
    """Everything it may refuse with, by status."""
    known: set[type[Refusal]] = {*_ANY, *OF_CALLERS[callers(one)], *one.refuses}
    if one.body is not None or one.form:
        known |= {*_OF_BODIES}
    kinds = sorted(known, key=lambda kind: kind.slug)
    return {k.status: tuple(kind for kind in kinds if kind.status == k.status) for k in kinds}


def _answers(one: Described) -> dict[str, Any]:
    """Its own answers, what it may refuse with, and what the edge says; by status."""
    drawn: dict[int, dict[str, Any]] = {}
    for status, answer in one.answers.items():
        content = {} if answer.schema is None else {answer.media_type: {"schema": answer.schema}}
        if answer.also is not None:
            content[answer.also] = {"schema": TEXT}
        drawn[status] = _response(answer.meaning, content, headers=answer.headers)
    for status, kinds in refusals(one).items():
        content = drawn.get(status, {}).get("content", {}) | _refused(one, status, kinds=kinds)
        own = one.answers.get(status)
        headers = {} if own else _headers(one, status)
        meaning = own.meaning if own else "; ".join(kind.title for kind in kinds)
        drawn[status] = _response(meaning, content, headers=headers)
    for status, meaning in _AT_THE_EDGE.items():
        was = drawn.get(status, {"description": meaning, "content": {}})
        drawn[status] = was | {"content": was["content"] | {PLAIN: {"schema": TEXT}}}
    return {str(status): drawn[status] for status in sorted(drawn)}


def _response(
    meaning: str, content: Mapping[str, Any], *, headers: Mapping[str, str]
) -> dict[str, Any]:
    said: dict[str, Any] = {"description": meaning}
    if content:
        said["content"] = dict(content)
    if headers:
        said["headers"] = {
            name: {"description": what, "required": True, "schema": TEXT}
            for name, what in headers.items()
        }
    return said


def _headers(one: Described, status: int) -> dict[str, str]:
    credential = callers(one)
    if status == 401 or (status == 403 and credential == "accessToken"):  # noqa: PLR2004 - the statuses of RFC 6750 §3.1
        return {"WWW-Authenticate": "how to authenticate, and what was wrong"}
    if status in {429, 503} and isinstance(one, Door):
        return {"Retry-After": "seconds to wait"}
    return {}


def _refused(
    one: Described, status: int, *, kinds: tuple[type[Refusal], ...]
) -> dict[str, dict[str, Any]]:
    if not isinstance(one, Door):
        return {HTML: {"schema": TEXT}}
    slugs = sorted({kind.slug for kind in kinds})
    if one.refusals is errors.tell:
        words = {"enum": sorted({kind.code for kind in kinds})}
        told = {"error": words, "error_uri": {"enum": [errors.page(slug) for slug in slugs]}}
        return {JSON: {"schema": {"allOf": [OAuthErrorSchema, {"properties": told}]}}}
    problem = {"type": {"enum": [errors.URN + slug for slug in slugs]}, "status": {"const": status}}
    return {PROBLEM: {"schema": {"allOf": [ProblemSchema, {"properties": problem}]}}}
