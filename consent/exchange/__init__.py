"""Exchange: what was declared before reaches who may have it, through the gate."""

from flask import Flask

from consent.attributes.catalogue import UnknownAttribute
from consent.exchange.release import NotCovered, release
from consent.exchange.step_up import StepUpNeeded
from consent.exchange.wire import AskSchema, ReleaseSchema
from consent.procedures.catalogue import UnknownProcedure
from identity import doors
from identity.described import Answer
from identity.doors import Door, always
from identity.errors import explain
from identity.provider.guard import access_token

DOORS = (
    Door(
        method="POST",
        path="/api/attributes",
        function=release,
        guard=access_token(),
        refusals=explain,
        asks_once=always,
        summary="Fetch what a citizen has decided to share",
        body=AskSchema,
        answers={200: Answer("what was decided, and what was withheld", ReleaseSchema)},
        refuses=(NotCovered, StepUpNeeded, UnknownAttribute, UnknownProcedure),
    ),
)


def join(app: Flask) -> None:
    """Bring the doors of the exchange."""
    doors.add(app, DOORS)
