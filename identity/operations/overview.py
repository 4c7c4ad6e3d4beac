"""How everything stands, for the operator's page: nothing of a person, and nothing to press."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from identity import clock, health, outbox, settings, worker
from identity.operations import records
from identity.outbox import Standing
from identity.public_services import registered
from identity.signing import key_list
from identity.signing import keys as signing_keys
from identity.signing.key_list import SigningKey

SPARE = timedelta(seconds=30)  # beyond its rhythm; every duty's turn may take a while
MOST_SERVICES = 20
OLD = timedelta(days=90)  # docs/operations.md: a signing key is changed each quarter


@dataclass(frozen=True, slots=True)
class Turn:
    """One duty of the worker."""

    name: str
    at: datetime | None  # when it last ended well; null: never
    is_late: bool


@dataclass(frozen=True, slots=True)
class Unheard:
    """What one public service has not acknowledged, of one kind."""

    kind: str
    service: str
    waiting: int
    given_up: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class Key:
    """One key that signs tokens, as everybody may know it."""

    state: str
    alg: str
    kid: str
    published_at: datetime
    is_old: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What an operator looks at first."""

    checks: dict[str, str]  # as `/readyz`
    turns: Sequence[Turn]
    outbox: Standing
    unheard: Sequence[Unheard]  # the oldest first, no more than fit on a page
    keys: Sequence[Key]

    @property
    def is_well(self) -> bool:
        """Whether nothing has to be done."""
        return (
            all(word == "ok" for word in self.checks.values())
            and not any(turn.is_late for turn in self.turns)
            and not self.outbox.given_up
            and not any(key.is_old for key in self.keys)
        )


def overview(language: str = "") -> Overview:
    """Everything as it is at this moment; services by their names in that language."""
    at, last = clock.now(), worker.turns()
    rhythms = {duty.name: duty.every for duty in worker.duties()}
    folder = settings.current().secrets / signing_keys.FOLDER
    return Overview(
        checks=health.standing(),
        turns=[_turn(name, last.get(name), every=every, at=at) for name, every in rhythms.items()],
        outbox=outbox.standing(),
        unheard=_unheard(language),
        keys=[_key(one, at=at) for one in key_list.listed(folder)],
    )


def _unheard(language: str) -> list[Unheard]:
    rows = records.unheard(limit=MOST_SERVICES)
    services = registered.by_ids(row.public_service_id for row in rows)
    return [
        Unheard(
            row.kind,
            services[row.public_service_id].name(language),
            row.waiting,
            row.given_up,
            row.oldest_at,
        )
        for row in rows
    ]


def _turn(name: str, last: datetime | None, *, every: timedelta, at: datetime) -> Turn:
    return Turn(name, last, last is None or at - last > every + SPARE)


def _key(one: SigningKey, *, at: datetime) -> Key:
    is_old = one.state == key_list.State.CURRENT and at - one.published_at > OLD
    return Key(str(one.state), one.alg, one.kid, one.published_at, is_old)
