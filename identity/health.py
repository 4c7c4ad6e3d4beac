"""Whether this process lives, and whether it can serve: `/healthz` and `/readyz`.

The worker proves each second that the log can be written and read; this only reports it, so
that asking often costs nothing.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog
from marshmallow import fields

from identity import clock, database, doors, errors, sealing, worker
from identity.described import Answer, Told
from identity.doors import Door, Request
from identity.joining import Duty, joined
from identity.messages import NO_STORE, Response, json_response
from identity.signing.keys import signing_keys

if TYPE_CHECKING:
    from flask import Flask

log = structlog.get_logger(__name__)
UNREACHED = "the database cannot be reached"
LATE = timedelta(seconds=5)  # the contract's bound for probe and sequencer
# The log's own duties: without them it has no order and no signed head. Others may take their time.
OF_THE_LOG = frozenset({"sequencer", "heads"})


class NotReady(Exception):
    """Something that every answer needs is missing; the text says what, for anybody to read."""


def alive(_request: Request, _caller: object) -> Response:
    """The process answers; nothing else is looked at."""
    return json_response({"status": "alive"}, headers=NO_STORE)


def ready(_request: Request, _caller: object) -> Response:
    """200 when everything that an answer needs is there, else 503 with what is missing."""
    found = standing()
    is_ready = all(word == "ok" for word in found.values())
    body = {"status": "ready" if is_ready else "not ready", "checks": found}
    return json_response(body, 200 if is_ready else 503, headers=NO_STORE)


def standing() -> dict[str, str]:
    """What every answer needs, by name, and `ok` or what is wrong with it; for pages as well."""
    found: dict[str, str] = {}
    for name, check in _checks():
        # Each look at a database that is away waits for it: one is enough, and a balancer asks on.
        found[name] = UNREACHED if UNREACHED in found.values() else _look(name, check)
    return found


def join(app: "Flask") -> None:
    """Bring the two doors."""
    doors.add(app, DOORS)


def _checks() -> Iterator[tuple[str, Callable[[], None]]]:
    yield "keys", _keys
    yield "log", lambda: _on_time(worker.PROBE)
    for duty in joined().duties:
        if duty.name in OF_THE_LOG:
            yield duty.name, partial(_keeps_up, duty)


def _look(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except NotReady as fault:
        return str(fault)
    except Exception as fault:  # noqa: BLE001 - whatever it is, this process cannot serve
        log.warning("not ready", check=name, kind=type(fault).__name__)
        if database.is_unavailable(fault):
            return UNREACHED
        return "fails; the operational log says more"
    return "ok"


def _keys() -> None:
    keys = signing_keys()
    # A PKCS#11 token may be away; one signature tells, the cheapest.
    keys.try_out(keys.algorithms()[:1])
    sealing.ring()


def _on_time(duty: str) -> None:
    """The duty ended well a moment ago; reading that also proves the database."""
    at = worker.last(duty)
    if at is None:
        raise NotReady("never ended well: is the worker running?")
    late = clock.now() - at
    if late > LATE:
        raise NotReady(f"last ended well {int(late.total_seconds())} s ago")


def _keeps_up(duty: Duty) -> None:
    """The duty is on time, and nothing has waited long for it: it may turn and get nowhere."""
    _on_time(duty.name)
    since = None if duty.behind_since is None else worker.behind_since(duty.name)
    if since is not None and (late := clock.now() - since) > LATE:
        raise NotReady(f"the oldest entry has waited {int(late.total_seconds())} s for its place")


ALIVE = Told.from_dict({"status": fields.Constant("alive", required=True)}, name="Alive")
READY = Told.from_dict(
    {
        "status": fields.String(required=True),
        "checks": fields.Dict(fields.String(), fields.String(), required=True),
    },
    name="Ready",
)
DOORS = (
    Door(
        method="GET",
        path="/healthz",
        function=alive,
        guard=doors.anyone,
        refusals=errors.explain,
        summary="Whether this process is alive",
        answers={200: Answer("alive", ALIVE)},
    ),
    Door(
        method="GET",
        path="/readyz",
        function=ready,
        guard=doors.anyone,
        refusals=errors.explain,
        summary="Whether this process can serve: keys, log, sequencer",
        answers={200: Answer("ready", READY), 503: Answer("what is missing", READY)},
    ),
)
