"""What an endpoint says of itself: what it takes, answers and refuses; `openapi` draws it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from marshmallow import RAISE, Schema, fields

from identity.errors import Refusal
from identity.parameters import Parameter

JSON, JWK_SET = "application/json", "application/jwk-set+json"
HTML, PLAIN = "text/html", "text/plain"


class Told(Schema):
    """Base of what we send: a member that the schema does not name is a mistake of ours."""

    class Meta:
        """Drawn as `additionalProperties: false`, so that the description stays whole."""

        unknown = RAISE


@dataclass(frozen=True, slots=True)
class Answer:
    """One kind of answer: what it means, and the shape of its body."""

    meaning: str
    schema: Any = None  # a marshmallow schema or JSON Schema; null: there is no body
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)  # always there: name, meaning
    also: str | None = None  # another media type that the same may come as; null: none


_KEY: dict[str, fields.Field[Any]] = {
    name: fields.String(required=name in {"kty", "kid", "use", "alg"})
    for name in ("kty", "kid", "use", "alg", "crv", "x", "y", "n", "e")
}
KEYS = Answer(
    "A JWKS (RFC 7517 §5)",
    Told.from_dict(
        {"keys": fields.List(fields.Nested(Told.from_dict(_KEY, name="PublicKey")), required=True)},
        name="KeySet",
    ),
    JWK_SET,
)


@dataclass(frozen=True, kw_only=True)
class Described:
    """One endpoint, as its callers know it."""

    method: str
    path: str
    summary: str
    query: tuple[Parameter, ...] = ()
    form: tuple[tuple[Parameter, ...], ...] = ()  # several: one of them; empty: it takes no form
    body: Any = None  # a marshmallow schema of a JSON body; null: none, or a form
    answers: Mapping[int, Answer] = field(default_factory=dict)
    refuses: tuple[type[Refusal], ...] = ()  # beyond what any endpoint of its kind refuses
