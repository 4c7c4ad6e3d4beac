"""A person's decisions in lists, and the life of one: given, used, ended."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from consent.ledger import mine
from consent.ledger.mine import Mine, Raised, Step
from consent.looks.entries import Look
from consent.my import timeline
from consent.my.timeline import Wanted
from consent.my.uses import Used, Uses, uses
from identity.public_services import registered

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Consents:
    """The page of all decisions; what has ended comes in pages."""

    active: Sequence[Mine]
    ending: Sequence[Mine]
    ended: Sequence[Mine]
    older: uuid.UUID | None  # the ended decision after which the next page begins
    uses: Uses
    objections: Sequence[Raised]

    def used(self, one: Mine) -> Used:
        """How often one was used, as the log tells."""
        return self.uses.decision(one.id)


def consents(citizen_id: uuid.UUID, *, after: uuid.UUID | None, language: str) -> Consents:
    """Every decision that stands, and a page of those that do not, the latest first."""
    told = mine.decisions(citizen_id, language)
    standing = [one for one in told if one.is_active]
    ended = [one for one in told if not one.is_active]
    ids = [one.id for one in ended]
    begin = ids.index(after) + 1 if after in ids else 0
    shown = ended[begin : begin + PAGE]
    return Consents(
        active=[one for one in standing if not one.is_ending],
        ending=[one for one in standing if one.is_ending],
        ended=shown,
        older=shown[-1].id if begin + PAGE < len(ended) else None,
        uses=uses(citizen_id),
        objections=mine.objections(citizen_id),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of a decision's life: a step of its history, or a look that was had on it."""

    at: datetime
    step: Step | None = None
    look: Look | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One decision from its beginning to now."""

    one: Mine
    moments: Sequence[Moment]  # the latest first
    has_more: bool  # there are older looks; the list of looks has them all


def life(citizen_id: uuid.UUID, decision_id: uuid.UUID, *, language: str) -> Life:
    """A decision with its history and its newest looks, in the order of time.

    Raises:
        NoSuchDecision: unknown, or another citizen's.
    """
    one = mine.decision(citizen_id, decision_id, language=language)
    wanted = Wanted(institution=one.service.organisation.code, decision=str(decision_id))
    services = registered.by_ids([one.service.id])
    looks, older = timeline.page(citizen_id, wanted, services=services, language=language, turns=2)
    used = [look for look in looks if look.type.startswith("attributes:")]
    moments = [Moment(at=look.at, look=look) for look in used]
    moments += [Moment(at=step.at, step=step) for step in one.steps]
    return Life(
        one=one,
        moments=sorted(moments, key=lambda moment: moment.at, reverse=True),
        has_more=older is not None,
    )
