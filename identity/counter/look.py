"""A counter officer looks a person up, to compare name and birth date with the card."""

import json
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from identity import clock, sealing, trail
from identity.activation import letters
from identity.activation.letters import GoodLetter
from identity.authentication import lockout
from identity.authentication.lockout import Budget, TooManyTries
from identity.citizens import people
from identity.citizens.birth_date import BirthDate
from identity.citizens.national_id import NationalId
from identity.citizens.records import Status
from identity.counter import records
from identity.counter.records import Card, Need
from identity.database import AnyRow, new_id, transaction
from identity.entry import Who
from identity.errors import AccessDenied, NotFound
from identity.staff.sessions import StaffMember

LOOKED, REFUSED = "counter:looked", "counter:refused"
LIFETIME = timedelta(minutes=15)
# More people than come to one counter in an hour; whoever tries numbers ends here.
MOST_LOOKS, HOUR = 40, timedelta(hours=1)
PURPOSE = "counter-letter"  # of the seal
COMPARED = ("full_name", "date_of_birth")


class NobodyFound(NotFound):
    """Nobody is enrolled under this number; counter officers may know, and it is in the log."""

    slug = "nobody-found"
    title = "Nobody is enrolled under this number"


class OwnAccount(AccessDenied):
    """Nobody gives themself a letter."""

    slug = "own-account"
    title = "This is your own account"


class NoSuchLook(NotFound):
    """Unknown, another officer's, or over: they look the same."""

    slug = "no-such-look"
    title = "There is no such look"


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What stands on the letter."""

    code: str = field(repr=False)
    valid_until: date
    good_from: datetime | None  # null: at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the officer sees of a person: to compare with the card, and nothing beyond it."""

    id: uuid.UUID
    full_name: str = field(repr=False)
    number_ends: str = field(repr=False)  # for the letter alone (decision 0022)
    date_of_birth: BirthDate = field(repr=False)
    status: Status
    need: Need
    card: Card
    before: GoodLetter | None  # the letter that a new one would end
    letter: Printed | None  # the one that was given a moment ago
    is_spent: bool


def look_up(
    officer: StaffMember, number: NationalId, *, need: Need, card: Card, request_id: str
) -> uuid.UUID:
    """The officer may compare this person with their card; the person sees that in their log.

    Raises:
        TooManyTries: more looks than an officer has in an hour; nothing was looked at.
        OwnAccount: it is the officer's own number; the attempt stands in the log.
        NobodyFound: nobody has this number; that it was looked for stands in the log.
    """
    told = {"reason": str(need), "card": str(card)}
    try:
        with transaction():
            lockout.spend(Budget(("counter-look", officer.id.hex), MOST_LOOKS, HOUR), clock.now())
    except TooManyTries:
        refuse(officer, None, reason="throttled")
        raise
    found = people.find_by_number(number)
    if found is not None and found == officer.own_citizen_id:
        refuse(officer, found, reason="own_account")
        raise OwnAccount("a colleague helps with your own account", note="own account")
    with transaction():
        look_id = None if found is None else _add(officer, found, need=need, card=card)
        result = {"result": "nothing found"} if found is None else {"attributes": list(COMPARED)}
        trail.record(
            LOOKED,
            Who(citizen=found, actor=officer.id),
            subject=told | result,
            acting=officer.acting(request_id),
        )
    if look_id is None:
        raise NobodyFound("nobody is enrolled under this number")
    return look_id


def _add(officer: StaffMember, found: uuid.UUID, *, need: Need, card: Card) -> uuid.UUID:
    look_id, at = new_id(), clock.now()
    records.add(
        {
            "id": look_id,
            "staff_id": officer.id,
            "found_id": found,
            "need": need,
            "card": card,
            "created_at": at,
            "expires_at": at + LIFETIME,
            "spent_at": None,
            "sealed_letter": None,
        }
    )
    return look_id


def shown(officer: StaffMember, look_id: uuid.UUID) -> Shown:
    """What this officer looked up a moment ago; its entry was written then.

    Raises:
        NoSuchLook: there is none, or it is over.
    """
    row = find(officer, look_id)
    person = people.person(row.found_id)
    return Shown(
        id=row.id,
        full_name=person.full_name,
        number_ends=person.national_id.reveal()[-letters.TOLD_DIGITS :],
        date_of_birth=person.date_of_birth,
        status=person.status,
        need=Need(row.need),
        card=Card(row.card),
        before=letters.good_letter(row.found_id),
        letter=None if row.sealed_letter is None else _opened(row.sealed_letter),
        is_spent=row.spent_at is not None,
    )


def find(officer: StaffMember, look_id: uuid.UUID) -> AnyRow:
    """The row of a look of this officer.

    Raises:
        NoSuchLook: there is none, or it is over.
    """
    row = records.find(look_id, officer.id, at=clock.now())
    if row is None:
        raise NoSuchLook("look the person up again; a look ends after a quarter of an hour")
    return row


def refuse(officer: StaffMember, citizen_id: uuid.UUID | None, *, reason: str) -> None:
    """What an officer tried and may not stands in the log."""
    trail.refuse(
        REFUSED,
        Who(citizen=citizen_id, actor=officer.id),
        subject={"result": "refused", "reason": reason},
        acting=officer.acting(),
    )


def sealed(letter: letters.Letter) -> str:
    """What is printed, as it is kept until then."""
    told = {
        "code": letter.code,
        "valid_until": letter.valid_until.isoformat(),
        "good_from": None if letter.good_from is None else letter.good_from.isoformat(),
    }
    return sealing.ring().seal_token(PURPOSE, json.dumps(told).encode())


def _opened(kept: str) -> Printed:
    told = json.loads(sealing.ring().open_token(PURPOSE, kept))
    since = told["good_from"]
    return Printed(
        code=told["code"],
        valid_until=date.fromisoformat(told["valid_until"]),
        good_from=None if since is None else datetime.fromisoformat(since),
    )
