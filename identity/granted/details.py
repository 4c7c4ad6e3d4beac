"""`authorization_details` of type `vn_procedure`, as they are asked for (RFC 9396 §2)."""

import json
from typing import Any

from marshmallow import fields

from identity.described import Told
from identity.errors import Refusal
from identity.granted.approval import Detail

TYPE = "vn_procedure"
SHORTHAND = "procedure:"  # as a scope: the same without attributes and case
MOST = 10  # in one request; more could not be shown on one page
MOST_ATTRIBUTES = 50
LONGEST = 100  # characters of a code, a name or a case
# As they come back when they were granted (RFC 9396 §7.1).
GRANTED = fields.List(
    fields.Nested(
        Told.from_dict(
            {
                "type": fields.Constant(TYPE, required=True),
                "procedure": fields.String(required=True),
                "attributes": fields.List(fields.String(), required=True),
                "basis": fields.String(required=True),
                "decision_id": fields.UUID(required=True),
                "case": fields.String(),
            },
            name="GrantedDetail",
        )
    )
)
_MEMBERS = frozenset({"type", "procedure", "attributes", "case"})


class InvalidAuthorizationDetails(Refusal):
    """The details are of an unknown type, or not of its shape (RFC 9396 §5)."""

    code, slug = "invalid_authorization_details", "invalid-authorization-details"
    title = "The authorization details are not valid"


def read(text: str | None, scopes: tuple[str, ...]) -> tuple[Detail, ...]:
    """What the parameter and the shorthand scopes ask for, together.

    Raises:
        InvalidAuthorizationDetails: not a list of our type's members, too many, or one twice.
    """
    named = [s.removeprefix(SHORTHAND) for s in scopes if s.startswith(SHORTHAND)]
    if text is None and not named:
        return ()
    found = [_detail(member) for member in _listed(text)] if text is not None else []
    found += [Detail(_word(code, "procedure"), None, None) for code in named]
    if len(found) > MOST:
        raise _refused(f"at most {MOST} procedures fit in one request")
    if len({(detail.procedure, detail.case) for detail in found}) < len(found):
        raise _refused("the same procedure and case stand twice")
    return tuple(found)


def _listed(text: str) -> list[Any]:
    try:
        found = json.loads(text, object_pairs_hook=_once_each)
    except (ValueError, RecursionError):
        raise _refused("authorization_details is not a JSON array") from None
    if not isinstance(found, list):
        raise _refused("authorization_details is not a JSON array")
    return found


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _detail(told: object) -> Detail:
    if not isinstance(told, dict) or told.get("type") != TYPE:
        raise _refused(f"every member needs the type {TYPE}")
    if set(told) - _MEMBERS:
        raise _refused("a member of vn_procedure is not known: procedure, attributes, case")
    case = told.get("case")
    return Detail(
        procedure=_word(told.get("procedure"), "procedure"),
        attributes=_attributes(told["attributes"]) if "attributes" in told else None,
        case=None if case is None else _word(case, "case"),
    )


def _attributes(told: object) -> tuple[str, ...]:
    if not isinstance(told, list) or not 0 < len(told) <= MOST_ATTRIBUTES:
        raise _refused(f"attributes is a list of 1 to {MOST_ATTRIBUTES} names")
    names = tuple(_word(name, "attributes") for name in told)
    if len(set(names)) < len(names):
        raise _refused("an attribute stands twice")
    return names


def _word(told: object, member: str) -> str:
    if not isinstance(told, str) or not 0 < len(told) <= LONGEST or not told.isprintable():
        raise _refused(f"{member} is a printable text of 1 to {LONGEST} characters")
    return told


def _refused(detail: str) -> InvalidAuthorizationDetails:
    return InvalidAuthorizationDetails(detail)
