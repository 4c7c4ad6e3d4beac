"""What crosses the wire at `POST /api/attributes` (contract, "Asking for data")."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from consent.attributes.envelopes import Value
from identity.errors import InvalidRequest

LONGEST, MOST_NAMES = 100, 50


class AskSchema(Schema):
    """The body: every member may be left out where the token leaves no doubt."""

    class Meta:
        """Nothing is guessed from a member that we do not know."""

        unknown = RAISE

    procedure = fields.String(validate=validate.Length(1, LONGEST))
    attributes = fields.List(
        fields.String(validate=validate.Length(1, LONGEST)), validate=validate.Length(1, MOST_NAMES)
    )
    # Null names the decision that is for no case; left out, any of them is meant.
    case = fields.String(validate=validate.Length(1, LONGEST), allow_none=True)


class ValueSchema(Schema):
    """A value in its envelope."""

    value = fields.Raw(required=True)
    source = fields.Integer(required=True, validate=validate.OneOf((1, 2)))
    register = fields.String(required=True)
    as_of = fields.Date(required=True)
    valid_from = fields.Date(required=True, allow_none=True)
    valid_to = fields.Date(required=True, allow_none=True)
    equals_paper = fields.Boolean(required=True)
    stale = fields.Boolean()  # absent: it is not


class WithheldSchema(Schema):
    """A name without a value, and why."""

    name = fields.String(required=True)
    reason = fields.String(
        required=True,
        validate=validate.OneOf(
            ("not_decided", "missing", "register_unavailable", "disputed", "expired")
        ),
    )


class EntrySchema(Schema):
    """Where the look stands in the access log, and the log's signed word for it."""

    id = fields.String(required=True)
    promise = fields.String(required=True)


class ReleaseSchema(Schema):
    """The answer."""

    decision_id = fields.UUID(required=True)
    procedure = fields.String(required=True)
    basis = fields.String(required=True, validate=validate.OneOf(("request", "consent", "law")))
    case = fields.String(required=True, allow_none=True)
    values = fields.Dict(fields.String(), fields.Nested(ValueSchema), required=True)
    withheld = fields.List(fields.Nested(WithheldSchema), required=True)
    entry = fields.Nested(EntrySchema, required=True)


class Ask(NamedTuple):
    """What a public service asks for; null: whatever the token says."""

    procedure: str | None
    attributes: tuple[str, ...] | None
    case: str | None
    names_case: bool  # else any case is meant; null is the decision without one


_ASK = AskSchema()


def asked(body: object) -> Ask:
    """The body, read.

    Raises:
        InvalidRequest: another shape, an unknown member, or a name that stands twice.
    """
    if not isinstance(body, dict):
        raise InvalidRequest("the body is a JSON object")
    if not _is_plain(body):
        _require(body)
    listed = body.get("attributes")
    names = None if listed is None else tuple(listed)
    if names is not None and len(set(names)) < len(names):
        raise InvalidRequest("attributes names one twice")
    return Ask(body.get("procedure"), names, body.get("case"), "case" in body)


def _is_plain(body: dict[str, Any]) -> bool:
    """Whether the schema takes it, seen at a glance, as nearly every body is; else it is asked."""
    return all(_TAKEN.get(name, _is_unknown)(told) for name, told in body.items())


def _is_text(told: object) -> bool:
    return isinstance(told, str) and 0 < len(told) <= LONGEST


def _is_list(told: Any) -> bool:  # noqa: ANN401 - whatever JSON says
    is_some = isinstance(told, list) and 0 < len(told) <= MOST_NAMES
    return is_some and all(map(_is_text, told))


def _is_unknown(_told: object) -> bool:
    return False


_TAKEN = {"procedure": _is_text, "attributes": _is_list, "case": _is_text}


def _require(body: Mapping[str, Any]) -> None:
    """The schema takes it.

    Raises:
        InvalidRequest: it does not; what is wrong with it.
    """
    try:
        _ASK.load(body)
    except ValidationError as faults:
        raise InvalidRequest(_complaint(faults, body)) from None


def _complaint(faults: ValidationError, body: Mapping[str, Any]) -> str:
    if body.keys() - _ASK.fields.keys():
        # The name itself is not repeated: it may be anything, a personal number too.
        return "a member is not known; known are procedure, attributes and case"
    messages = faults.messages_dict
    bad = " and ".join(name for name in _ASK.fields if name in messages)
    return (
        f"{bad}: procedure and case are texts of 1 to {LONGEST} characters (case may be null),"
        f" attributes is a list of 1 to {MOST_NAMES} such texts"
    )


def envelope(value: Value) -> dict[str, Any]:
    """A value as it is sent; `stale` stands there only where it is."""
    sent = {
        "value": value.value,
        "source": value.source,
        "register": value.register,
        "as_of": value.as_of.isoformat(),
        "valid_from": value.valid_from,
        "valid_to": value.valid_to,
        "equals_paper": value.equals_paper,
    }
    return sent | {"stale": True} if value.is_stale else sent


def withheld(reasons: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """Names and reasons as they are sent."""
    return [{"name": name, "reason": reason} for name, reason in reasons]
