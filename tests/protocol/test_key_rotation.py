"""Signing keys change without a restart and without a failed verification, design §3."""

import json
import threading
import time
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from time_machine import travel

from identity import clock, files
from identity.errors import InvalidToken
from identity.files import UnsafeFileError
from identity.provider import discovery
from identity.signing import keys, ring
from identity.signing.key_files import (
    NoSuchKeyError,
    RotatedTooSoonError,
    create,
    remove,
    rotate,
)
from identity.signing.key_list import State, listed
from identity.signing.keys import SigningKeys
from tests.installations import a_key_folder, installed, make_keys

ISSUER = "https://id.example"
AUDIENCE = "https://id.example/api"


@pytest.fixture
def folder(tmp_path) -> Path:
    return a_key_folder(tmp_path / "signing")


def claims(**changed) -> dict:
    now = int(clock.now().timestamp())
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "lan",
        "iat": now,
        "exp": now + 300,
        "jti": "1",
    } | changed


def read(signing, token, *, typ="at+jwt"):
    return signing.verified(token, typ=typ, audience=(AUDIENCE,), issuer=ISSUER).claims


def by_state(folder) -> dict:
    return {key.state: key.kid for key in listed(folder) if key.alg == "ES256"}


def a_second_later(monkeypatch):
    later = time.monotonic() + 1.1
    monkeypatch.setattr(time, "monotonic", lambda: later)


def test_the_next_key_signs_and_the_old_one_stays_published(folder):
    """Design §3: next, current, previous."""
    before = by_state(folder)

    with travel(clock.now() + timedelta(minutes=6)):
        rotate(folder)

    after = by_state(folder)
    assert after[State.CURRENT] == before[State.NEXT]
    assert after[State.PREVIOUS] == before[State.CURRENT]
    assert after[State.NEXT] not in before.values()


def test_it_says_what_signs_now_and_until_when_the_old_one_stays(folder):
    """The operator's command tells both."""
    before = by_state(folder)

    es256, *others = rotate(folder, early=True)

    assert (es256.fresh.kid, es256.retired.kid) == (before[State.NEXT], before[State.CURRENT])
    assert timedelta(hours=23) < es256.retired.until - clock.now() <= timedelta(days=1)
    assert [rotation.fresh.alg for rotation in others] == ["PS256", "EdDSA", "RS256"]


def test_one_algorithm_may_be_rotated_alone(folder):
    """Certification's `server-rotate-keys` knows RSA and EC keys, so a new Ed25519 one stops it."""
    before = listed(folder)

    (done,) = rotate(folder, early=True, algorithms=("RS256",))
    with travel(clock.now() + timedelta(minutes=1)), pytest.raises(RotatedTooSoonError):
        rotate(folder, algorithms=("RS256",))

    after = listed(folder)
    assert (done.fresh.alg, done.fresh.state) == ("RS256", State.CURRENT)
    assert [k for k in after if k.alg != "RS256"] == [k for k in before if k.alg != "RS256"]
    (fresh,) = {key.kid for key in after} - {key.kid for key in before}
    assert next(key.state for key in after if key.kid == fresh) is State.NEXT


def test_a_key_that_others_may_not_know_yet_does_not_sign(folder):
    """Hydra #2535, #3408: publish, wait one cache time, then sign."""
    before = (folder / "keys.json").read_bytes()
    published_at = max(key.published_at for key in listed(folder))

    soon = published_at + timedelta(minutes=4)  # the copied keys are as old as the test process
    with travel(soon, tick=False), pytest.raises(RotatedTooSoonError, match="may sign from"):
        rotate(folder)

    assert (folder / "keys.json").read_bytes() == before


def test_how_long_others_keep_the_keys_is_one_setting(tmp_path):
    """What `Cache-Control` says of /jwks is what a new key waits for."""
    with installed(tmp_path, MOTLAN_JWKS_SECONDS="7") as chosen:
        make_keys(chosen)
        rotate(chosen.secrets / keys.FOLDER, early=True)
        headers = dict(discovery.publish_keys(None, None).headers)
        soon = clock.now() + timedelta(seconds=8)
        with travel(soon, tick=False), pytest.raises(RotatedTooSoonError):
            keys.rotate()
        with travel(clock.now() + timedelta(seconds=9, milliseconds=100), tick=False):
            done = keys.rotate()

    assert headers["Cache-Control"] == "public, max-age=7"
    assert len(done) == 4


def test_a_running_process_notices_within_a_second(folder, monkeypatch):
    """Rotated without restart; the list is looked at once a second at most."""
    signing, told = SigningKeys(folder), claims()
    old = signing.sign(told, typ="JWT")
    rotate(folder, early=True)

    soon = signing.sign(told, typ="JWT")
    a_second_later(monkeypatch)
    later = signing.sign(told, typ="JWT")

    assert old.partition(".")[0] == soon.partition(".")[0]
    assert jwt.get_unverified_header(later)["kid"] == by_state(folder)[State.CURRENT]
    assert read(signing, old, typ="JWT") == read(signing, soon, typ="JWT")


def test_what_the_next_key_signs_is_believed_before_the_change_is_noticed(folder):
    """Two processes: one already signs with the key that the other knows as next."""
    behind = SigningKeys(folder)
    rotate(folder, early=True)

    token = SigningKeys(folder).sign(claims(), typ="at+jwt")

    assert read(behind, token)["sub"] == "lan"


class TestAnEarlierVersion:
    """A list that was made before there were PS256 and EdDSA."""

    @pytest.fixture
    def before(self, folder) -> bytes:
        told = json.loads((folder / "keys.json").read_bytes())
        told["keys"] = [key for key in told["keys"] if key["alg"] in {"ES256", "RS256"}]
        for key in told["keys"]:
            del key["kept"]
        files.replace(folder / "keys.json", json.dumps(told).encode())
        return (folder / "keys.json").read_bytes()

    def test_its_keys_go_on_and_nothing_else_is_promised(self, folder, before):
        """What no key signs is not among the algorithms, and discovery names no other."""
        _ = before
        signing = SigningKeys(folder)

        assert signing.algorithms() == ("ES256", "RS256")
        assert read(signing, signing.sign(claims(), typ="at+jwt"))["sub"] == "lan"

    @pytest.mark.parametrize(
        "act", [create, lambda folder: rotate(folder, early=True)], ids=["init", "rotate"]
    )
    def test_it_is_completed(self, folder, before, act, monkeypatch):
        """By `secrets init`, as after any upgrade, or by the next rotation."""
        running, kids = SigningKeys(folder), {key.kid for key in listed(folder)}

        act(folder)

        assert before != (folder / "keys.json").read_bytes()
        assert kids <= {key.kid for key in listed(folder)}
        a_second_later(monkeypatch)
        assert running.algorithms() == ("ES256", "PS256", "EdDSA", "RS256")
        for alg in running.algorithms():
            assert {State.CURRENT, State.NEXT} <= {k.state for k in listed(folder) if k.alg == alg}

    def test_what_has_no_next_key_yet_need_not_wait_for_one(self, folder, before):
        """Asked for alone, and not early: nobody is about to sign with what nobody has seen."""
        _ = before

        assert rotate(folder, algorithms=("EdDSA",)) == ()

        made = {key.state for key in listed(folder) if key.alg == "EdDSA"}
        assert made == {State.CURRENT, State.NEXT}


class TestRemoval:
    """A stolen key: what it signed is believed no more, from the next look at the list."""

    def test_after_a_quiet_hour_nobody_believes_it_while_another_looks(self, folder, monkeypatch):
        """The first request after the removal reads the list; those beside it wait for that."""
        running = SigningKeys(folder)
        dead = running.sign(claims(), typ="at+jwt")
        slowly, begun = ring.read, threading.Event()

        def read_slowly(*told):
            begun.set()
            time.sleep(0.2)
            return slowly(*told)

        remove(folder, kid=jwt.get_unverified_header(dead)["kid"])
        monkeypatch.setattr(ring, "read", read_slowly)
        hour = time.monotonic() + 3600
        monkeypatch.setattr(keys.time, "monotonic", lambda: hour)
        first = threading.Thread(target=running.jwks)
        first.start()
        assert begun.wait(5)

        with pytest.raises(InvalidToken):
            running.read_signed(dead, typ="at+jwt", algorithms=("ES256",))
        first.join()

    @pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA", "RS256"])
    def test_its_tokens_die_and_the_next_key_signs(self, folder, monkeypatch, alg):
        """Also what is remembered as checked; the keys of the others stay."""
        running, told = SigningKeys(folder), claims()
        stolen = {key.alg: key.kid for key in listed(folder) if key.state is State.CURRENT}[alg]
        following = {key.alg: key.kid for key in listed(folder) if key.state is State.NEXT}[alg]
        dead = {typ: running.sign(told, typ=typ, alg=alg) for typ in ("at+jwt", "JWT")}
        others = [other for other in running.algorithms() if other != alg]
        alive = {other: running.sign(told, typ="at+jwt", alg=other) for other in others}
        for typ, token in dead.items():
            assert running.read_signed(token, typ=typ, algorithms=(alg,))

        removal = remove(folder, kid=stolen)
        a_second_later(monkeypatch)

        assert (removal.gone.kid, removal.successor.kid) == (stolen, following)
        for typ, token in dead.items():
            with pytest.raises(InvalidToken):
                running.read_signed(token, typ=typ, algorithms=(alg,))
        for other, token in alive.items():
            assert running.read_signed(token, typ="at+jwt", algorithms=(other,))
        fresh = running.sign(told, typ="at+jwt", alg=alg)
        assert jwt.get_unverified_header(fresh)["kid"] == following
        assert stolen.encode() not in running.jwks()
        assert not (folder / f"{stolen}.pem").exists()

    @pytest.mark.parametrize("state", [State.NEXT, State.PREVIOUS])
    def test_a_key_that_does_not_sign_leaves_too(self, folder, state):
        """Nobody signs in its place; a next one is always there."""
        rotate(folder, early=True)
        kid, current = by_state(folder)[state], by_state(folder)[State.CURRENT]

        removal = remove(folder, kid=kid)

        assert (removal.gone.kid, removal.successor) == (kid, None)
        assert kid not in {key.kid for key in listed(folder)}
        assert by_state(folder)[State.CURRENT] == current
        assert State.NEXT in by_state(folder)

    def test_an_unknown_one_changes_nothing(self, folder):
        """A slip of the hand is told; the list stays as it is."""
        before = (folder / "keys.json").read_bytes()

        with pytest.raises(NoSuchKeyError, match="keys list"):
            remove(folder, kid="unknown")

        assert (folder / "keys.json").read_bytes() == before


@pytest.mark.slow  # makes several RSA keys
def test_a_retired_key_leaves_when_its_time_is_over(folder):
    """Published until its last token has long ended, then neither published nor believed."""
    token = SigningKeys(folder).sign(claims(exp=2**40), typ="at+jwt")
    gone = by_state(folder)[State.CURRENT]
    rotate(folder, early=True)
    assert read(SigningKeys(folder), token)

    with travel(clock.now() + timedelta(days=1, minutes=1)):
        late = SigningKeys(folder)
        with pytest.raises(InvalidToken):
            read(late, token)
        rotate(folder)

    assert gone not in {key.kid for key in listed(folder)}


def test_the_private_half_of_a_retired_key_is_destroyed(folder):
    """What signs no more cannot be stolen any more."""
    before = by_state(folder)

    rotate(folder, early=True)

    assert not (folder / f"{before[State.CURRENT]}.pem").exists()
    assert (folder / f"{before[State.NEXT]}.pem").exists()


@pytest.mark.slow  # makes several RSA keys
def test_rotations_at_once_follow_one_another(folder):
    """Two operators: no key is lost, none is current twice."""
    threads = [
        threading.Thread(target=rotate, args=(folder,), kwargs={"early": True}) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    states = [key.state for key in listed(folder) if key.alg == "ES256"]
    assert sorted(states) == ["current", "next"] + ["previous"] * 4
    assert SigningKeys(folder).sign(claims(), typ="JWT")


@pytest.mark.slow  # makes several RSA keys
def test_signing_goes_on_while_keys_are_rotated(folder, monkeypatch):
    """Case 11.11 in small: every token of every moment is verified."""
    monkeypatch.setattr(keys, "LOOK_AGAIN_SECONDS", 0.0)
    ours, theirs = SigningKeys(folder), SigningKeys(folder)
    rotation = threading.Thread(target=lambda: [rotate(folder, early=True) for _ in range(3)])

    rotation.start()
    tokens = 0
    while rotation.is_alive():
        read(theirs, ours.sign(claims(), typ="at+jwt"))
        tokens += 1
    rotation.join()

    assert tokens > 10


def test_a_list_that_vanishes_stops_nobody_who_runs(folder, monkeypatch):
    """The keys are in memory; `doctor` and the next start say what is wrong."""
    signing = SigningKeys(folder)
    (folder / "keys.json").unlink()
    a_second_later(monkeypatch)

    assert read(signing, signing.sign(claims(), typ="at+jwt"))
    with pytest.raises(UnsafeFileError, match=r"keys\.json"):
        SigningKeys(folder)


def said_of(state, **changed):
    """Spoils what the list says of the keys in this state."""

    def spoil(folder):
        told = json.loads((folder / "keys.json").read_bytes())
        told["keys"] = [key | (changed if key["state"] == state else {}) for key in told["keys"]]
        (folder / "keys.json").write_text(json.dumps(told))

    return spoil


def of_another_kind(folder):
    """Private halves that are well made, and that nothing can be signed with."""
    made = X25519PrivateKey.generate()
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for path in folder.glob("*.pem"):
        path.write_bytes(pem)


@pytest.mark.parametrize(
    "spoil",
    [
        of_another_kind,
        said_of("next", alg="HS256"),
        said_of("next", kept="elsewhere"),
        said_of("next", kid="of-another-key"),
        said_of("current", kept="token"),  # which was not set up
    ],
)
def test_a_list_that_says_what_cannot_be_is_refused(folder, spoil):
    """RFC 8725 §3.1, and fail closed: also of a key that does not sign yet."""
    spoil(folder)

    with pytest.raises(UnsafeFileError):
        SigningKeys(folder)
