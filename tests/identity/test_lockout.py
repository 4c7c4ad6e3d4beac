"""Budgets for guessing: exact under parallel guesses, and the same for nobody as for somebody."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
import time_machine

from identity import clock, database, sealing
from identity.authentication import budget_records, lockout, sign_in
from identity.authentication.lockout import Budget, Target, TooManyTries, Visit
from identity.citizens import passwords
from identity.citizens.national_id import NationalId
from identity.citizens.passwords import SignInBusy
from identity.together import look
from tests.people import lan, new_number, submit
from tests.people import sign_in as sign_in_through
from tests.rules import queued_seconds

_blocks = count(1)


def somewhere(*, browser: str = "a browser") -> Visit:
    """A place nobody has tried from: an address block of its own."""
    number = next(_blocks)
    address = f"2001:db8:{number:x}::1"
    return Visit(sealing.digest(f"{browser} {number}"), address)


def number_of(person):
    return NationalId.strict(person.national_id)


def guess(person, visit, *, password="wrong"):
    """What became of one guess: its exception's name, or 'right'."""
    try:
        sign_in.prove_password(number_of(person), password, visit=visit)
    except (sign_in.WrongCredentials, TooManyTries) as refusal:
        return type(refusal).__name__
    return "right"


WRONG, THROTTLED = "WrongCredentials", "TooManyTries"


def test_a_guess_that_found_no_place_is_not_counted(person, monkeypatch):
    """Design §3: nothing was looked at, so nothing was guessed."""

    def busy(*_):
        raise SignInBusy("try again in a few seconds")

    visit = somewhere()
    with monkeypatch.context() as crowded:
        crowded.setattr(passwords, "is_right", busy)
        for _ in range(5):
            with pytest.raises(SignInBusy):
                guess(person, visit)

    assert guess(person, visit, password=person.password) == "right"


def test_five_mistakes_on_an_unknown_device_spend_its_budget(person):
    """Design §3."""
    visit = somewhere()

    outcomes = [guess(person, visit) for _ in range(6)]

    assert outcomes == [WRONG] * 5 + [THROTTLED]


def test_a_spent_budget_does_not_look_at_the_password(person):
    visit = somewhere()
    for _ in range(5):
        guess(person, visit)

    assert guess(person, visit, password=person.password) == THROTTLED


def test_the_budget_is_whole_again_after_its_window(person):
    visit = somewhere()
    for _ in range(6):
        guess(person, visit)

    with time_machine.travel(clock.now() + timedelta(minutes=15, seconds=1)):
        outcomes = [guess(person, visit) for _ in range(6)]

    assert outcomes == [WRONG] * 5 + [THROTTLED]


def test_a_right_password_does_not_count(person):
    visit = somewhere()

    outcomes = [guess(person, visit, password=person.password) for _ in range(8)]

    assert outcomes == ["right"] * 8


def test_a_number_has_twenty_tries_an_hour_over_unknown_devices(person):
    outcomes = [guess(person, somewhere()) for _ in range(21)]

    assert outcomes == [WRONG] * 20 + [THROTTLED]


def test_a_refused_try_spends_none_of_the_other_budgets(person):
    """Otherwise one spent device could spend the number's twenty as well."""
    visit = somewhere()
    for _ in range(30):
        guess(person, visit)

    assert guess(person, somewhere()) == WRONG


def test_the_refusal_says_when_to_come_back(person):
    visit = somewhere()
    for _ in range(5):
        guess(person, visit)

    with pytest.raises(TooManyTries) as refused:
        sign_in.prove_password(number_of(person), "wrong", visit=visit)

    ((name, seconds),) = refused.value.headers
    assert name == "Retry-After"
    assert 14 * 60 < int(seconds) <= 15 * 60


def test_whoever_goes_on_trying_writes_nothing(person, monkeypatch):
    """A look is enough to be refused; and it is refused by what `reserve` was told, too."""
    visit, target = somewhere(), Target("password", person.national_id, is_known_device=False)
    for _ in range(5):
        lockout.reserve(target, visit)
    monkeypatch.setattr(budget_records, "counting", None)

    for seen in (None, look(lockout.standing(target, visit))):
        with pytest.raises(TooManyTries):
            lockout.reserve(target, visit, seen=seen)


def test_who_is_overtaken_hears_the_same(person):
    """It was not spent when somebody looked, and was when it should have been counted."""
    visit, target = somewhere(), Target("password", person.national_id, is_known_device=False)
    seen = look(lockout.standing(target, visit))
    for _ in range(5):
        lockout.reserve(target, visit)

    with pytest.raises(TooManyTries) as refused:
        lockout.reserve(target, visit, seen=seen)

    assert 14 * 60 < int(dict(refused.value.headers)["Retry-After"]) <= 15 * 60


def test_what_is_used_by_itself_says_when_to_come_back_too():
    at, once = clock.now(), Budget(("once", f"{next(_blocks)}"), 1, timedelta(hours=1))
    with database.transaction():
        assert lockout.spend(once, at) == at + timedelta(hours=1)

    later = at + timedelta(minutes=20)
    with pytest.raises(TooManyTries) as refused, database.transaction():
        lockout.spend(once, later)

    assert dict(refused.value.headers)["Retry-After"] == str(40 * 60)


def test_the_page_says_so_with_its_status_and_in_words(client, person):
    fields = {"national_id": person.national_id, "password": "wrong"}
    for _ in range(5):
        submit(client, "/sign-in", **fields)

    answer = submit(client, "/sign-in", **fields)

    assert answer.status_code == 429
    assert "Retry-After" in answer.headers
    assert "Đã thử quá nhiều lần" in answer.text


def test_a_device_that_signed_in_before_has_a_budget_of_its_own(app, person):
    """No lock-out as a weapon: strangers cannot keep the owner out."""
    own = app.test_client()
    sign_in_through(own, person)
    for _ in range(21):
        guess(person, somewhere())

    again = submit(
        own, "/sign-in?request=a", national_id=person.national_id, password=person.password
    )
    stranger = guess(person, somewhere(), password=person.password)

    assert (again.status_code, stranger) == (303, THROTTLED)


def test_a_known_device_has_ten_tries(app, person):
    own = app.test_client()
    sign_in_through(own, person)
    wrong = {"national_id": person.national_id, "password": "wrong"}

    statuses = [submit(own, "/sign-in?request=a", **wrong).status_code for _ in range(11)]

    assert statuses == [403] * 10 + [429]


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("", "nowhere"),
        ("unix:", "nowhere"),
    ],
)
def test_an_address_counts_as_its_neighbourhood(address, block):
    assert lockout.block(address) == block


def test_the_table_shows_neither_numbers_nor_addresses(person):
    target = Target("password", person.national_id, is_known_device=False)

    digests = [budget.digest for budget in lockout.budgets(target, somewhere())]

    assert len(set(digests)) == 3
    assert all(len(digest) == 32 for digest in digests)
    assert all(person.national_id.encode() not in digest for digest in digests)


class TestAttacker:
    def test_one_password_over_a_thousand_numbers_of_one_block_is_throttled(self, app):  # noqa: ARG002 - the database is the app's
        """Security case 17."""
        block = next(_blocks)
        outcomes = []
        for _ in range(101):
            visit = Visit(sealing.digest(f"bot {block}"), f"2001:db8:{block:x}::1")
            target = Target("password", new_number(), is_known_device=False)
            try:
                lockout.reserve(target, replace(visit, browser_digest=sealing.digest(target.value)))
            except TooManyTries:
                outcomes.append(THROTTLED)
            else:
                outcomes.append(WRONG)

        assert outcomes == [WRONG] * 100 + [THROTTLED]

    def test_ten_wrong_passwords_leave_a_right_one_from_elsewhere_alone(self, person):
        """Security case 17."""
        bot = somewhere()
        for _ in range(10):
            guess(person, bot)

        assert guess(person, somewhere(), password=person.password) == "right"

    def test_a_thousand_wrong_codes_are_throttled(self, client, person):
        """Security case 17."""
        submit(client, "/sign-in", national_id=person.national_id, password=person.password)

        statuses = [
            submit(client, "/sign-in/code", one_time_code="000000").status_code for _ in range(6)
        ]
        right = submit(client, "/sign-in/code", one_time_code=person.one_time_code)

        assert statuses == [403] * 5 + [429]
        assert right.status_code == 429

    def test_a_device_of_the_owners_gives_a_stranger_with_the_password_no_more_codes(
        self, app, person
    ):
        """Ten tries are for a device that is known, to this very person."""
        sign_in_through(app.test_client(), person)
        thief = app.test_client()
        sign_in_through(thief, lan())
        told = {"national_id": person.national_id, "password": person.password}
        submit(thief, "/sign-in?request=a", **told)

        statuses = [
            submit(thief, "/sign-in/code", one_time_code="000000").status_code for _ in range(6)
        ]

        assert statuses == [403] * 5 + [429]

    @pytest.mark.slow
    @pytest.mark.parametrize("is_somebody", [True, False])
    def test_of_a_hundred_parallel_guesses_five_are_evaluated(
        self, person, monkeypatch, is_somebody
    ):
        """Security case 18, on both databases."""
        evaluated = []
        verify = passwords.is_right

        def watched(password, kept):
            evaluated.append(password)
            return verify(password, kept)

        monkeypatch.setattr(passwords, "is_right", watched)
        number = number_of(person) if is_somebody else NationalId.strict(new_number())
        visit = somewhere()

        def attempt(_turn):
            try:
                sign_in.prove_password(number, "wrong", visit=visit)
            except (sign_in.WrongCredentials, TooManyTries) as refusal:
                return type(refusal).__name__
            return "right"

        with ThreadPoolExecutor(100) as threads:
            outcomes = list(threads.map(attempt, range(100)))

        assert len(evaluated) == 5
        assert sorted(outcomes) == [THROTTLED] * 95 + [WRONG] * 5

    @pytest.mark.slow
    def test_a_hundred_parallel_guesses_over_many_devices_have_twenty(self, person):
        with ThreadPoolExecutor(50) as threads:
            visits = [somewhere() for _ in range(100)]
            outcomes = list(threads.map(lambda visit: guess(person, visit), visits))

        assert sorted(outcomes) == [THROTTLED] * 80 + [WRONG] * 20

    def test_nobody_is_throttled_like_somebody(self, person):
        nobody = replace(person, national_id=new_number())
        here, there = somewhere(), somewhere()

        somebody_heard = [guess(person, here) for _ in range(7)]
        nobody_heard = [guess(nobody, there) for _ in range(7)]

        assert somebody_heard == nobody_heard

    @pytest.mark.slow
    @pytest.mark.timeout(180)
    def test_the_time_tells_nobody_who_exists(self, another_app, settings, person):
        """Security case 16: medians within 10 %, at the real cost of a password.

        Of what each try costs by itself: what it waits for its turn on a busy machine is left out,
        so that 60 tries tell more than 200 did.
        """
        another_app(replace(settings, argon2_time=2, argon2_memory_kib=19_456, argon2_parallel=1))
        people = [lan() for _ in range(10)]
        numbers = {
            "wrong": [each.national_id for each in people],
            "unknown": [new_number() for _ in range(10)],
        }
        taken = {"wrong": [], "unknown": []}
        guess(person, somewhere())  # the dummy hash is made once

        for turn in range(60):
            for kind, known in numbers.items():
                target = replace(person, national_id=known[turn % 10])
                visit = somewhere()
                began = time.perf_counter() - queued_seconds()
                guess(target, visit)
                taken[kind].append(time.perf_counter() - queued_seconds() - began)

        wrong, unknown = (statistics.median(taken[kind]) for kind in ("wrong", "unknown"))
        assert abs(wrong - unknown) <= 0.1 * max(wrong, unknown)


def test_two_reservations_of_the_same_budgets_never_wait_for_each_other(person):
    """One order of locks for everybody: a deadlock would be an error on PostgreSQL."""
    visit = somewhere()
    target = Target("password", person.national_id, is_known_device=False)

    def reserve_and_release(_turn):
        reservation = lockout.reserve(target, visit)
        with database.transaction():
            lockout.release(reservation)

    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(reserve_and_release, range(40)))

    assert outcomes == [None] * 40
