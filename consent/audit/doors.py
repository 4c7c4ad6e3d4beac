"""The public side of the access log: its latest signed head, and the key that signed it."""

from consent.audit import records
from identity import doors, log_keys
from identity.described import KEYS, PLAIN, Answer
from identity.doors import Door, Request
from identity.errors import NotFound, explain
from identity.messages import Response

TEXT = (("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "max-age=1"))


def checkpoint(_request: Request, _caller: None) -> Response:
    """The latest signed checkpoint (C2SP tlog-checkpoint)."""
    head = records.newest_head()
    if head is None:
        raise NotFound("no head was signed yet: the log is empty")
    return Response(200, head.checkpoint.encode(), TEXT)


def keys(_request: Request, _caller: None) -> Response:
    """The log's key as a JWKS; it is never part of `/jwks`."""
    caching = (("Cache-Control", "max-age=300"),)
    return Response(200, log_keys.jwks(), (("Content-Type", "application/jwk-set+json"), *caching))


DOORS = (
    Door(
        method="GET",
        path="/log/checkpoint",
        function=checkpoint,
        guard=doors.anyone,
        refusals=explain,
        summary="The latest signed head of the access log",
        answers={200: Answer("A C2SP checkpoint", {"type": "string"}, PLAIN)},
        refuses=(NotFound,),
    ),
    Door(
        method="GET",
        path="/log/keys",
        function=keys,
        guard=doors.anyone,
        refusals=explain,
        summary="The keys that sign heads and promises",
        answers={200: KEYS},
    ),
)
