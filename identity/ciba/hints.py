"""Whom a service means, CIBA Core §7.1: a personal number, or an ID token of ours.

A number that nobody has gets the answer that everybody gets: a request waits, for an id of
nobody, and expires. So no counter finds out who exists by asking (decision 0037).
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from identity.authorization import subjects
from identity.citizens import people
from identity.citizens.national_id import MalformedNationalId, NationalId
from identity.errors import InvalidRequest, InvalidToken, Refusal
from identity.public_services.registered import Registered
from identity.signing import tokens

HINTS = ("login_hint", "id_token_hint", "login_hint_token")


class UnknownUserId(Refusal):
    """The hint is nothing that could name a person (CIBA Core §13)."""

    code, slug = "unknown_user_id", "unknown-user-id"
    title = "The hint names nobody"


@dataclass(frozen=True, slots=True)
class Hinted:
    """Who is meant, or an id of nobody; and by what, which is the same each time."""

    citizen_id: uuid.UUID
    by: str = field(repr=False)


def read(said: Mapping[str, str], service: Registered) -> Hinted:
    """The person, or an id of nobody.

    Raises:
        InvalidRequest: no hint, several, or one of a kind that is not taken.
        UnknownUserId: what was hinted is no personal number.
    """
    sent = [name for name in HINTS if name in said]
    if len(sent) != 1:
        raise InvalidRequest("send one hint: login_hint or id_token_hint")
    if "login_hint_token" in said:
        raise InvalidRequest("login_hint_token is not taken: send login_hint or id_token_hint")
    if "id_token_hint" in said:
        return _signed_in_before(said["id_token_hint"], service)
    try:
        number = NationalId.typed(said["login_hint"])
    except MalformedNationalId:
        raise UnknownUserId("login_hint is a personal number of 12 digits") from None
    return Hinted(people.find_by_number(number) or uuid.uuid4(), number.reveal())


def _signed_in_before(text: str, service: Registered) -> Hinted:
    try:
        hint = tokens.read_id_token_hint(text)
    except InvalidToken as refusal:
        raise InvalidRequest("id_token_hint is not an ID token of ours", note="hint") from refusal
    if hint.public_service != service.client_id:
        raise InvalidRequest("id_token_hint was issued to another public service")
    found = subjects.find_citizen(hint.subject, service.sector)
    if found is None:
        raise UnknownUserId("id_token_hint names nobody any more")
    return Hinted(found, hint.subject)
