"""Keys change every ten seconds, and who keeps them as long as we say misses none: design §3.

The drill `tests/drills/test_rotation.py` does it over processes; here the clock is moved.
"""

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
import time_machine

from identity import clock
from identity.signing import key_files, keys
from identity.signing.keepers import FileKeeper
from identity.signing.key_files import Keepers, create, rotate
from identity.signing.keys import SigningKeys

KEPT = timedelta(seconds=5)
STEPS = 64  # of half a second
LATE_SECONDS = 1.5  # after a rotation, until a process that looks each second hands out the new set
ALGORITHMS = ("ES256", "EdDSA")  # RSA keys take long to make, and nothing here depends on them


@dataclass
class Service:
    """Fetches our keys from one process, and keeps them to the last second that it may."""

    asks: SigningKeys
    offset: int
    known: dict[str, object] = field(default_factory=dict)
    until: float = 0.0

    def reads(self, token: str, second: float) -> bool:
        if second >= self.until:
            self.known = {key["kid"]: key for key in json.loads(self.asks.jwks())["keys"]}
            self.until = second + KEPT.total_seconds() + (0 if self.until else self.offset)
        key = self.known.get(jwt.get_unverified_header(token)["kid"])
        if key is None:
            return False
        alg = key["alg"]
        return bool(
            jwt.decode(token, jwt.PyJWK(key), algorithms=[alg], options={"verify_exp": False})
        )


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "signing"


def half_a_minute(folder, every, keepers):
    """How many tokens were read in vain, and how many were read; in steps of half a second."""
    ahead, behind = SigningKeys(folder, keepers), SigningKeys(folder, keepers)
    services = [Service(behind, offset) for offset in range(3)]
    old, vain, read = [], 0, 0
    with time_machine.travel(clock.now() + timedelta(minutes=10), tick=False) as now:
        for second in (step / 2 for step in range(STEPS)):
            if second % every == 0 and second:
                rotate(folder, keepers, cached=KEPT)
                ahead._looked_at -= 60  # the process that signs sees it at once
            if second % every == LATE_SECONDS:
                behind._looked_at -= 60  # the one that publishes only when it has to
            tokens = [ahead.sign({"n": second}, typ="JWT", alg=alg) for alg in ALGORITHMS]
            old += tokens
            for service in services:
                results = [service.reads(token, second) for token in (*tokens, old[-20:][0])]
                vain, read = vain + results.count(False), read + len(results)
            now.shift(0.5)
    return vain, read


@pytest.fixture
def keepers(folder):
    few = replace(FileKeeper(folder), algorithms=ALGORITHMS)
    made = Keepers({few.kind: few}, few)
    create(folder, made)
    return made


def test_nobody_who_keeps_our_keys_as_long_as_we_say_misses_one(folder, keepers, monkeypatch):
    """Three services, each fetching at seconds of its own from a process that lags behind."""
    monkeypatch.setattr(keys, "LOOK_AGAIN_SECONDS", 30.0)

    vain, read = half_a_minute(folder, 10, keepers)

    assert (vain, read) == (0, STEPS * 3 * 3)


def test_a_key_that_did_not_wait_for_the_process_behind_would_be_missed(
    folder, keepers, monkeypatch
):
    """What the two seconds are for: the same without them, and as often as the rule then allows."""
    monkeypatch.setattr(keys, "LOOK_AGAIN_SECONDS", 30.0)
    monkeypatch.setattr(key_files, "NOTICED_WITHIN", timedelta(0))

    vain, _ = half_a_minute(folder, 5, keepers)

    assert vain > 0
