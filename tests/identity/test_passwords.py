"""Passwords: one form from every keyboard, today's cost, a bounded number at a time."""

import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select

from identity import database, sealing, settings
from identity.authentication import sign_in
from identity.authentication.lockout import Visit
from identity.citizens import passwords
from identity.citizens.national_id import NationalId
from identity.citizens.passwords import SignInBusy
from identity.citizens.records import CitizenPassword
from tests.people import lan

SECRET = "Sen nở tháng sáu"


@pytest.fixture(autouse=True)
def chosen(app):  # noqa: ARG001 - the settings are the app's
    return settings.current()


def kept_hash(person):
    mine = CitizenPassword.citizen_id == person.citizen_id
    return database.row(select(CitizenPassword.hash).where(mine)).hash


def test_the_right_password_and_only_that_one_is_right():
    kept = passwords.hash_password(SECRET)

    assert passwords.is_right(SECRET, kept)
    assert not passwords.is_right(SECRET + " ", kept)
    assert not passwords.is_right("", kept)


def test_the_hash_is_argon2id_and_salted():
    """RFC 9106 §4."""
    first, second = (passwords.hash_password(SECRET) for _ in range(2))

    assert first.startswith("$argon2id$")
    assert first != second
    assert SECRET not in first


def test_every_keyboard_types_the_same_password():
    """NIST SP 800-63B §3.1.1.2: NFKC before hashing."""
    kept = passwords.hash_password(unicodedata.normalize("NFD", SECRET))

    assert passwords.is_right(unicodedata.normalize("NFC", SECRET), kept)


def test_nobodys_password_is_never_right_and_is_evaluated_all_the_same(monkeypatch):
    evaluated = []
    hasher = passwords._current()
    monkeypatch.setattr(passwords, "_current", lambda: Watched(hasher, evaluated))

    assert not passwords.is_right("nobody", None)
    assert len(evaluated) == 1


class Watched:
    def __init__(self, hasher, evaluated):
        self.hasher, self.evaluated = hasher, evaluated

    def verify(self, kept, password):
        self.evaluated.append(password)
        return self.hasher.verify(kept, password)

    def hash(self, password):
        return self.hasher.hash(password)


def test_a_password_beyond_all_length_is_wrong_and_costs_no_more():
    kept = passwords.hash_password("a" * passwords.LONGEST)

    assert passwords.is_right("a" * passwords.LONGEST, kept)
    assert not passwords.is_right("a" * 60_000, kept)


@pytest.mark.parametrize("kept", ["", "x", "$argon2id$v=19$m=64,t=1,p=1$x$y"])
def test_a_damaged_hash_lets_nobody_in(kept):
    assert not passwords.is_right(SECRET, kept)


def test_a_right_sign_in_renews_a_hash_of_an_older_cost(chosen, monkeypatch):
    person = lan()
    before = kept_hash(person)
    monkeypatch.setattr(settings, "_installed", replace(chosen, argon2_time=2))
    visit = Visit(sealing.digest("renews"), "2001:db8:ffff::1")

    sign_in.prove_password(NationalId.strict(person.national_id), person.password, visit=visit)

    after = kept_hash(person)
    assert "t=1" in before
    assert "t=2" in after
    assert passwords.is_right(person.password, after)


def test_a_wrong_password_renews_nothing(chosen, monkeypatch):
    person = lan()
    before = kept_hash(person)
    monkeypatch.setattr(settings, "_installed", replace(chosen, argon2_time=2))
    visit = Visit(sealing.digest("renews nothing"), "2001:db8:fffe::1")

    with pytest.raises(sign_in.WrongCredentials):
        sign_in.prove_password(NationalId.strict(person.national_id), "x", visit=visit)

    assert kept_hash(person) == before


@pytest.fixture
def two_places(monkeypatch):
    places = threading.BoundedSemaphore(2)
    monkeypatch.setattr(passwords, "_places", lambda _count: places)
    return places


def test_only_so_many_are_evaluated_at_once(two_places, monkeypatch):
    """A flood of sign-ins must not take every core from the token endpoint."""
    running, most, guard = [0], [0], threading.Lock()
    together = threading.Barrier(2, timeout=20)

    class Slow:
        def verify(self, _kept, _password):
            with guard:
                running[0] += 1
                most[0] = max(most[0], running[0])
            together.wait()
            with guard:
                running[0] -= 1

        def hash(self, _password):
            return "x"

    slow = Slow()
    monkeypatch.setattr(passwords, "_current", lambda: slow)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: passwords.is_right("a", "b"), range(8)))

    assert most[0] == 2
    assert two_places.acquire(blocking=False)


def test_who_would_wait_too_long_is_told_to_come_back(two_places, monkeypatch):
    monkeypatch.setattr(passwords, "WAIT_SECONDS", 0.01)
    two_places.acquire()
    two_places.acquire()

    with pytest.raises(SignInBusy) as refused:
        passwords.hash_password("x")

    assert (refused.value.status, refused.value.headers) == (429, (("Retry-After", "5"),))
