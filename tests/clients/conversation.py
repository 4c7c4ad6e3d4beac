"""openid-client in a process of its own: it goes the ways, and the test plays the person."""

import json
import subprocess
import threading
from collections.abc import Callable
from typing import Any

from tests.clients.programs import HERE, NODE

PATIENCE_SECONDS = 40.0
Said = dict[str, Any]


class ClientRefused(Exception):
    """The client found something wrong with an answer; what it said."""


class Conversation:
    """One program for all ways: starting Node takes longer than most of them."""

    def __init__(self) -> None:
        self._program = _begun()

    def close(self) -> None:
        """It reads no further word, and ends."""
        self._program.communicate(timeout=PATIENCE_SECONDS)

    def went(self, told: Said, person: Callable[[str], Said]) -> Any:
        """What the client saw on the way that it was told; `person` opens what it is sent.

        Raises:
            ClientRefused: it did not take what it was given.
        """
        late = threading.Timer(PATIENCE_SECONDS, self._program.kill)
        late.start()
        try:
            said = self._asked(told)
            while "open" in said:
                said = self._asked(person(said["open"]))
        except BaseException:
            # It waits for a word that will not come: whoever is next begins with another one.
            self._program.kill()
            self._program.communicate()
            self._program = _begun()
            raise
        finally:
            late.cancel()
        if "refused" in said:
            raise ClientRefused(said["refused"])
        return said["done"]

    def _asked(self, what: Said) -> Said:
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(json.dumps(what) + "\n")
        self._program.stdin.flush()
        line = self._program.stdout.readline()
        assert line, "the client has ended without a word"
        said: Said = json.loads(line)
        return said


def _begun() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [NODE, "client.mjs"],
        cwd=HERE,
        env={},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
