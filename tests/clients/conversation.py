"""A way that openid-client goes, in a process of its own, with a person whom the test plays."""

import json
import subprocess
import tempfile
import threading
from collections.abc import Callable
from typing import Any

from tests.clients.programs import HERE, NODE

PATIENCE_SECONDS = 40.0


class ClientRefused(Exception):
    """The client found something wrong with an answer; what it said."""


def went(way: str, told: dict[str, Any], person: Callable[[str], dict[str, Any]]) -> Any:
    """What the client saw on this way; `person` opens what it is sent.

    Raises:
        ClientRefused: it did not take what it was given.
    """
    with tempfile.TemporaryFile("w+") as complaints:
        program = subprocess.Popen(
            [NODE, "client.mjs", way],
            cwd=HERE,
            env={"NODE_OPTIONS": "--disable-warning=ExperimentalWarning"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        )
        late = threading.Timer(PATIENCE_SECONDS, program.kill)
        late.start()
        try:
            with program:
                return _heard(program, told, person)
        finally:
            late.cancel()
            complaints.seek(0)
            print(complaints.read())  # noqa: T201 - shown by pytest beside a failure


def _heard(
    program: "subprocess.Popen[str]", told: dict[str, Any], person: Callable[[str], dict[str, Any]]
) -> Any:
    assert program.stdin is not None
    assert program.stdout is not None
    _say(program, told)
    for line in program.stdout:
        said = json.loads(line)
        if "done" in said:
            return said["done"]
        if "refused" in said:
            raise ClientRefused(said["refused"])
        _say(program, person(said["open"]))
    raise ClientRefused("it ended without a word")


def _say(program: "subprocess.Popen[str]", what: dict[str, Any]) -> None:
    assert program.stdin is not None
    program.stdin.write(json.dumps(what) + "\n")
    program.stdin.flush()
