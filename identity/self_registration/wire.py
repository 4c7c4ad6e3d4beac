"""What crosses the wire where services register themselves: RFC 7591 §2 and §3.2.1."""

from typing import Any

from marshmallow import EXCLUDE, fields

from identity.registration.wire import ServiceSchema


class RegistrationSchema(ServiceSchema):
    """What a service says that registers itself: all that it may choose, and RFC 7591's defaults.

    Members that nobody knows are ignored (§2), and those that are not its to choose are among them.
    """

    class Meta:
        """Marshmallow's options."""

        unknown = EXCLUDE
        exclude = ("client_id", "client_secret", "organisation")

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Null stands for a member that was left out (RFC 7592 §2.2)."""
        _ = field_name
        field_obj.allow_none = True


_TEXT: dict[str, Any] = {"type": "string"}
_SECONDS: dict[str, Any] = {"type": "integer"}
# What is answered: the members of the request, whose shapes are above, and these.
INFORMATION: dict[str, Any] = {
    "type": "object",
    "properties": {
        "client_id": _TEXT,
        "client_id_issued_at": _SECONDS,
        "client_secret": _TEXT,
        "client_secret_expires_at": _SECONDS,
        "registration_access_token": _TEXT,
        "registration_client_uri": _TEXT,
        "client_name": _TEXT,
        "redirect_uris": {"type": "array", "items": _TEXT},
        "organisation": {"type": "object"},
    },
    "required": [
        *("client_id", "client_id_issued_at", "registration_access_token"),
        *("registration_client_uri", "client_name", "redirect_uris", "organisation"),
    ],
}
