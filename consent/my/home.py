"""What a person should look at now: gathered from decisions, objections, values and the log."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from consent.attributes import catalogue
from consent.complaints import mine as complaints
from consent.ledger import mine as ledger
from consent.ledger.mine import Mine
from consent.looks.entries import LINKED, Look, opened
from consent.my import records
from consent.my.records import Narrowed
from consent.my.uses import lacked
from consent.procedures.catalogue import Basis
from identity import clock
from identity.activation import letters
from identity.activation.letters import GoodLetter
from identity.ciba import requests
from identity.ciba.requests import Waiting
from identity.entry import NOBODY
from identity.public_services import registered

LATELY = timedelta(days=14)
RECEIPTS = timedelta(days=2)
READ = 200  # entries of those two weeks; the list of all is on its own page
SHOWN = 5
# About the account itself: whoever signs in, changes a password or a device, or tries to.
SECURITY = (
    "sign_in:",
    "security:",
    "account:",
    "activation:",
    "letter:",
    "password:",
    "factor:",
    "device:",
    "remote:",
    "session:",
    "counter:",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The page `/my`."""

    active: Sequence[Mine]
    ending: Sequence[Mine]
    unheard: Sequence[Mine]  # withdrawn, and the recipient has not acknowledged it
    objections: Sequence[ledger.Raised]
    complaints: Sequence[complaints.Raised]
    disputed: Sequence[str]  # labels of values that two sources tell differently
    missing: Sequence[str]  # labels of what was asked for lately and is not there
    unusual: Sequence[Look]
    security: Sequence[Look]
    requests: Sequence[Waiting]  # of services that ask from elsewhere, for a few minutes
    letter: GoodLetter | None  # of a counter, which would open the account; null: there is none
    receipts: Sequence[Any]  # rows of the table

    @property
    def is_calm(self) -> bool:
        """Whether nothing needs attention."""
        return not any(
            (
                self.requests,
                self.ending,
                self.unheard,
                self.objections,
                self.complaints,
                self.disputed,
                self.missing,
                self.unusual,
                self.security,
            )
        )


def home(citizen_id: uuid.UUID, *, language: str) -> Home:
    """What there is to see for one person now."""
    decisions = ledger.decisions(citizen_id, language)
    at = clock.now()
    rows = records.entries(citizen_id, Narrowed(since=at - LATELY), limit=READ)
    registered.by_ids({row.public_service_id for row in rows} - {NOBODY})
    looks = [opened(row, language) for row in rows]
    disputed, missing = _amiss(citizen_id, rows, language=language)
    return Home(
        active=[one for one in decisions if one.is_active],
        ending=[one for one in decisions if one.is_ending and one.entry.basis != Basis.LAW],
        unheard=[one for one in decisions if one.is_unheard],
        objections=[one for one in ledger.objections(citizen_id) if one.needs_attention],
        complaints=[one for one in complaints.complaints(citizen_id) if one.needs_attention],
        disputed=disputed,
        missing=missing,
        unusual=[look for look in looks if is_unusual(look)][:SHOWN],
        security=[look for look in looks if is_notice(look)][:SHOWN],
        requests=requests.waiting(citizen_id),
        letter=_letter(citizen_id, looks),
        receipts=records.receipts_since(citizen_id, at - RECEIPTS, limit=SHOWN),
    )


def _letter(citizen_id: uuid.UUID, looks: Sequence[Look]) -> GoodLetter | None:
    """It is good for two weeks, so whose entry is older is over; most people never had one."""
    has_one = any(look.type == "letter:issued" for look in looks)
    return letters.good_letter(citizen_id) if has_one else None


def is_unusual(look: Look) -> bool:
    """Whether nobody would expect it: refused, by our own staff, or on no decision of the person.

    What rests on the law is lawful, and still the person did not choose it.
    """
    if look.type == "attributes:released":
        return look.subject.get("basis") == Basis.LAW or bool(look.subject.get(LINKED))
    return look.type in {"attributes:refused", "staff:looked"}


def is_notice(look: Look) -> bool:
    """Whether it is about the account; a sign-in that succeeded is news of no kind."""
    return look.type.startswith(SECURITY) and look.type != "sign_in:succeeded"


def _amiss(
    citizen_id: uuid.UUID, rows: Sequence[Any], *, language: str
) -> tuple[list[str], list[str]]:
    standing = records.standing(citizen_id)
    known = {row.attribute for row in standing if row.is_known} | set(catalogue.OF_IDENTITY)
    disputed = {row.attribute for row in standing if row.is_disputed}
    missing = [name for name in lacked(rows) if name not in known]
    return _labels(sorted(disputed), language), _labels(missing, language)


def _labels(names: Sequence[str], language: str) -> list[str]:
    told = catalogue.attributes()
    return [told[name].label(language) for name in names if name in told]
