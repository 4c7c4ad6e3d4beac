"""What an endpoint takes by query and form: a table that is read at the door and described."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from identity.errors import InvalidRequest

FIELD_LIMIT = 200  # parameters in one query or form
# RFC 8707 §2: sent once for each; addresses, so that a space parts them in one text.
REPEATABLE = frozenset({"resource", "audience"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One row: what it is called and means, and what is refused.

    `one_of` and `pattern` are refused by the endpoint in the word of its specification, so
    `read` leaves them alone; the description tells them.
    """

    name: str
    meaning: str
    is_required: bool = False
    longest: int | None = None  # characters; null: as long as the body may be
    one_of: tuple[str, ...] = ()  # empty: any text
    pattern: str | None = None
    example: str | None = None


class Parameters:
    """Parameters of a query or form; each at most once (RFC 6749 §3.1, §3.2)."""

    def __init__(self, text: str) -> None:
        self._values: dict[str, str] = {}
        self._several: dict[str, list[str]] = {}  # what was sent more than once
        if not text:
            return
        try:
            pairs = _pairs(text)
        except ValueError as error:
            raise InvalidRequest("the parameters cannot be read: UTF-8, at most 200") from error
        # PostgreSQL keeps no NUL in a text, so a parameter with one could end in an accident.
        if ("%00" in text or "\x00" in text) and _holds_nul(pairs):
            raise InvalidRequest("a parameter holds the character NUL")
        self._values = dict(pairs)
        if len(self._values) != len(pairs):
            self._several = _several(pairs)

    def one(self, name: str) -> str | None:
        """The value, or null where it is absent or empty (RFC 6749 §3.1); all of a repeatable one.

        Raises:
            InvalidRequest: it was sent twice.
        """
        value = self._values.get(name)
        if not value and name not in self._several:
            return None
        if name in REPEATABLE:
            return " ".join(self._several.get(name, [value or ""])).strip() or None
        if name in self._several:
            raise InvalidRequest(f"{name} must be sent only once")
        return value

    def required(self, name: str) -> str:
        """The value.

        Raises:
            InvalidRequest: it is absent, empty or sent twice.
        """
        value = self.one(name)
        if value is None:
            raise InvalidRequest(f"{name} is required")
        return value

    def read(self, table: Iterable[Parameter]) -> dict[str, str]:
        """What was sent of a table; any other parameter is ignored (RFC 6749 §3.2).

        Raises:
            InvalidRequest: one that is required is missing, is too long, or was sent twice.
        """
        said: dict[str, str] = {}
        for row in table:
            value = self.required(row.name) if row.is_required else self.one(row.name)
            if value is None:
                continue
            if row.longest is not None and len(value) > row.longest:
                raise InvalidRequest(f"{row.name} has at most {row.longest} characters")
            said[row.name] = value
        return said

    def names(self) -> list[str]:
        """Every name that was sent."""
        return list(self._values)

    def repeated(self) -> list[str]:
        """The names that were sent more than once, and may not be."""
        return [name for name in self._several if name not in REPEATABLE]


def decoded(text: str) -> str:
    """What was form-encoded.

    Raises:
        ValueError: it is no UTF-8.
    """
    if "+" in text:
        text = text.replace("+", " ")
    return unquote_to_bytes(text).decode() if "%" in text else text


def _pairs(text: str) -> list[tuple[str, str]]:
    """Names and values, as the standard library's `parse_qsl` finds them with blank ones kept.

    Raises:
        ValueError: there are too many, or one cannot be decoded.
    """
    pieces = text.split("&")
    if len(pieces) > FIELD_LIMIT:
        raise ValueError("too many parameters")
    parts = [piece.partition("=") for piece in pieces if piece]
    if "%" in text or "+" in text:
        return [(decoded(name), decoded(value)) for name, _, value in parts]
    return [(name, value) for name, _, value in parts]


def _several(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values for name, values in found.items() if len(values) > 1}


def _holds_nul(pairs: Iterable[tuple[str, str]]) -> bool:
    return any("\x00" in text for pair in pairs for text in pair)
