"""What one member of a registration may look like: RFC 7591 §2, and names that deceive nobody."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from identity.public_services import addresses, service_keys
from identity.public_services.registered import EVERY_SCOPE, OF_SERVICES

MOST_ADDRESSES = 50
MOST_WORDS = 200
CODE = validate.Regexp(
    r"^[A-Z0-9]+(\.[A-Z0-9]+)*$(?!\n)",
    error="must be capital letters and digits, in parts with dots",
)
LONGEST_REFERENCE = 512  # characters, RFC 9101 §5.2
_DIGEST = re.compile(r"([A-Za-z0-9_-]{43})?")
_HIDDEN_KINDS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class Strict(Schema):
    """A member that nobody knows is refused by its name."""

    class Meta:
        """Marshmallow's options."""

        unknown = RAISE


class Text(fields.String):
    """One line that people will read, composed (NFC)."""

    def __init__(self, longest: int = 200, **more: Any) -> None:  # noqa: ANN401 - marshmallow's
        checks: list[Callable[[Any], Any]] = [
            validate.Length(min=1, max=longest),
            _readable,
        ]
        super().__init__(validate=checks, **more)

    def _deserialize(self, value: Any, *where: Any, **more: Any) -> Any:  # noqa: ANN401 - marshmallow's
        return unicodedata.normalize("NFC", super()._deserialize(value, *where, **more))


class Flag(fields.Boolean):
    """True or false as JSON says them, and no text or number that may mean either."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:  # noqa: ANN401 - marshmallow's
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Several(fields.List[str]):
    """An array as JSON says it; what else could be walked through is refused."""

    def _deserialize(self, value: Any, *where: Any, **more: Any) -> list[Any]:  # noqa: ANN401 - marshmallow's
        if not isinstance(value, list):
            raise self.make_error("invalid")
        return super()._deserialize(value, *where, **more)


def words(allowed: Any, **more: Any) -> Several:  # noqa: ANN401 - a validator or several
    """Several strings, none of them twice."""
    checks: list[Callable[[Any], Any]] = [validate.Length(max=MOST_WORDS), _once]
    return Several(fields.String(validate=allowed), validate=checks, **more)


def choice(*allowed: str, **more: Any) -> fields.String:  # noqa: ANN401 - marshmallow's
    """One of these words."""
    return fields.String(validate=validate.OneOf(allowed), **more)


def link(name: str | None = None) -> fields.String:
    """An address to send people or requests to; `name` where Python has none for the member."""
    return fields.String(validate=_address, data_key=name)


def secure_link() -> fields.String:
    """The same, and nothing but https even on this machine."""
    return fields.String(validate=_https_address)


def links() -> Several:
    """Several addresses, none of them twice."""
    checks: list[Callable[[Any], Any]] = [validate.Length(max=MOST_ADDRESSES), _once]
    return Several(fields.String(validate=_address), validate=checks, load_default=list)


def references() -> Several:
    """Addresses that are fetched; a fragment is the digest of what is there (OIDC Core §6.2)."""
    checks: list[Callable[[Any], Any]] = [validate.Length(max=MOST_ADDRESSES), _once]
    return Several(fields.String(validate=_reference), validate=checks)


def scopes() -> fields.String:
    """Only what can be asked for; RFC 6749 §3.3."""
    return fields.String(validate=_known_scopes)


def key_set() -> fields.Dict:
    """Public keys that we can verify with (RFC 7517 §5)."""
    return fields.Dict(validate=_public_keys)


def _readable(text: str) -> None:
    """No invisible character: a name must not look like another one on a decision page."""
    if any(unicodedata.category(mark) in _HIDDEN_KINDS for mark in text) or text != text.strip():
        raise ValidationError("has an invisible character")


def _once(values: list[str]) -> None:
    if len(set(values)) != len(values):
        raise ValidationError("has a value twice")


def _address(text: str) -> None:
    _check_address(text, https_only=False)


def _https_address(text: str) -> None:
    _check_address(text, https_only=True)


def _reference(text: str) -> None:
    address, _, digest = text.partition("#")
    _address(address)
    if len(text) > LONGEST_REFERENCE or not _DIGEST.fullmatch(digest):
        raise ValidationError("has at most 512 characters, and a SHA-256 digest for a fragment")


def _check_address(text: str, *, https_only: bool) -> None:
    try:
        addresses.check(text, https_only=https_only)
    except addresses.BadAddressError as fault:
        raise ValidationError(str(fault)) from None


def _known_scopes(text: str) -> None:
    known = EVERY_SCOPE | OF_SERVICES
    if set(text.split()) - known:
        raise ValidationError("only these can be asked for: " + " ".join(sorted(known)))


def _public_keys(told: Mapping[str, Any]) -> None:
    try:
        service_keys.public_keys(told)
    except service_keys.NotPublicKeysError as fault:
        raise ValidationError(str(fault)) from None
