"""What a grant is called outside: a name that says nothing, and leads us to it.

Grant Management for OAuth 2.0 §5.5; the same name for the same grant.
"""

import uuid

from identity import sealing
from identity.errors import Refusal

PURPOSE = "grant_id"
LONGEST = 200  # characters
_UUID = 16


class InvalidGrantId(Refusal):
    """No such grant, or not one that this request may change: it looks the same (§5.4)."""

    code, slug = "invalid_grant_id", "invalid-grant-id"
    title = "There is no such grant"


def name(citizen_id: uuid.UUID, grant_id: uuid.UUID) -> str:
    """The `grant_id` of the wire."""
    return sealing.ring().same_token(PURPOSE, citizen_id.bytes + grant_id.bytes)


def find(text: str) -> tuple[uuid.UUID, uuid.UUID] | None:
    """Whose grant a name is of, and which; null: it is no name of ours."""
    if len(text) > LONGEST or not text.isascii():
        return None
    try:
        payload = sealing.ring().open_token(PURPOSE, text)
    except sealing.Unreadable:
        return None
    return uuid.UUID(bytes=payload[:_UUID]), uuid.UUID(bytes=payload[_UUID:])
