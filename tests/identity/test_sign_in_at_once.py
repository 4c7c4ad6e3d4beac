"""Signing in, many times at one moment: what proves a factor is spent once (design §2)."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select, text, update

from identity import clock, database, sealing
from identity.authentication import sign_in
from identity.authentication.lockout import Visit
from identity.authentication.second_factor import WrongCode
from identity.authentication.sessions import Started
from identity.citizens import passwords
from identity.citizens.national_id import NationalId
from identity.citizens.records import CitizenPassword, SecondFactor
from identity.factors import recovery
from identity.factors.records import RecoveryCode
from identity.steps import records
from identity.steps.half import StepEnded
from identity.trail import AccessEntry
from tests.people import give_authenticator

AT_ONCE = 4  # fewer than the five tries that a browser has


def halfway(person, browser):
    """Somebody who has proved the password in this browser: the visit, and the step's text."""
    visit = Visit(sealing.digest(f"{browser} of {person.national_id}"), "203.0.113.9")
    number = NationalId.strict(person.national_id)
    return visit, sign_in.prove_password(number, person.password, visit=visit)


sessions_of: dict[str, set] = {}  # what each step has bought


def outcome(code, visit, text):
    try:
        started = sign_in.finish(text, code, visit=visit, before=None)
        sessions_of.setdefault(text, set()).add((started.session_id, started.cookie))
        return type(started)
    except (WrongCode, StepEnded, sign_in.AccountBarred) as refusal:
        return type(refusal)


def all_at_once(code, halves):
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(lambda half: outcome(code, *half), halves))


def test_of_many_at_once_one_step_buys_one_session(person):
    """An impatient finger: the answer that the browser keeps is as good as the one it drops."""
    half = halfway(person, "a browser")

    outcomes = all_at_once(person.one_time_code, [half] * AT_ONCE)

    assert outcomes == [Started] * AT_ONCE
    assert len(sessions_of[half[1]]) == 1
    mine = AccessEntry.citizen_id == person.citizen_id
    told = [row.type for row in database.rows(select(AccessEntry.type).where(mine))]
    assert told == ["sign_in:succeeded"]


def test_a_step_that_is_spent_buys_nothing_beside_the_next_one(person):
    """In the same browser, with a code that is good: it goes to the step that waits for it."""
    app, first = give_authenticator(person), halfway(person, "one browser")
    assert outcome(app.now(), *first) is Started

    with time_machine.travel(clock.now() + timedelta(minutes=1)):
        second, code = halfway(person, "one browser"), app.at(clock.now())

        assert outcome(code, *first) is StepEnded
        assert outcome(code, *second) is Started


def test_a_password_that_changes_while_it_is_compared_opens_nothing(person, monkeypatch):
    """What was proved is the password of before, and perhaps somebody else knew it."""
    compare, hers = passwords.is_right, CitizenPassword.citizen_id == person.citizen_id

    def changed_meanwhile(password, kept):
        with database.transaction():
            database.write(update(CitizenPassword).where(hers).values(changed_at=clock.now()))
        return compare(password, kept)

    monkeypatch.setattr(passwords, "is_right", changed_meanwhile)

    with pytest.raises(sign_in.WrongCredentials):
        halfway(person, "a browser")


@pytest.mark.usefixtures("app")
def test_a_half_sign_in_is_spent_once_in_its_time_and_browser():
    """Of staff, whose step is spent by itself."""
    at, browser = clock.now(), sealing.digest("an officer's browser")
    ends = at + timedelta(minutes=10)
    first, late = (sealing.digest(f"a step {uuid.uuid4()}") for _ in "ab")
    whose = {"browser_digest": browser, "who": uuid.uuid4(), "is_staff": True}
    with database.transaction():
        for digest in (first, late):
            times = {"created_at": at, "expires_at": ends, "spent_at": None}
            records.add({"digest": digest, **whose, **times})

        assert [records.spend(first, at=at) for _ in "ab"] == [True, False]
        assert not records.spend(late, at=ends)

    assert records.find(late, browser) is not None
    assert records.find(late, sealing.digest("another browser")) is None


def test_of_many_browsers_at_once_one_signs_in_with_a_code_of_an_app(person):
    """RFC 6238 §5.2; the others' steps are not spent, so each may wait for the next code."""
    app = give_authenticator(person)
    halves = [halfway(person, f"browser {n}") for n in range(AT_ONCE)]

    outcomes = all_at_once(app.now(), halves)

    assert sorted(o.__name__ for o in outcomes) == ["Started"] + ["WrongCode"] * (AT_ONCE - 1)
    lost = halves[outcomes.index(WrongCode)]
    assert sign_in.codes_left(lost[1], lost[0].browser_digest) is not None


def test_of_many_browsers_at_once_one_signs_in_with_a_printed_code(person):
    codes = recovery.new_codes()
    with database.transaction():
        recovery.keep(person.citizen_id, codes)
    halves = [halfway(person, f"browser {n}") for n in range(AT_ONCE)]

    outcomes = all_at_once(codes[0], halves)

    assert sorted(o.__name__ for o in outcomes) == ["Started"] + ["WrongCode"] * (AT_ONCE - 1)
    assert recovery.left(person.citizen_id).left == len(codes) - 1


def somebody_waits():
    """Whether a connection waits for what another one holds."""
    row = database.row(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))
    return row[0] > 0


@pytest.mark.postgresql
@pytest.mark.parametrize("is_printed", [False, True], ids=["app", "printed"])
def test_who_waits_for_a_new_password_holds_no_factor(person, is_printed):
    """Beginning anew takes the password first, then the factors: else each could wait for both."""
    app, codes = give_authenticator(person), recovery.new_codes()
    with database.transaction():
        recovery.keep(person.citizen_id, codes)
    half = halfway(person, "a browser")
    table = RecoveryCode if is_printed else SecondFactor
    mine = CitizenPassword.citizen_id == person.citizen_id

    with ThreadPoolExecutor(1) as thread:
        with database.transaction():
            database.row(select(CitizenPassword).where(mine).with_for_update())
            signing_in = thread.submit(outcome, codes[0] if is_printed else app.now(), *half)
            while not somebody_waits() and not signing_in.done():
                database.row(select(func.pg_sleep(0.01)))
            theirs = select(table).where(table.citizen_id == person.citizen_id)
            held = database.rows(theirs.with_for_update(nowait=True))
        assert signing_in.result() is Started

    assert held
