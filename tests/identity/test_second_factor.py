"""One-time codes: RFC 6238, each good for one sign-in; fixed codes only in the demo."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import time_machine

from identity import clock, sealing, settings
from identity.authentication import second_factor
from identity.authentication.second_factor import WrongCode, matching_step, typed
from identity.database import transaction
from identity.factors import recovery, setups
from identity.factors.setups import Kind, SetupEnded
from tests.people import give_authenticator, lan

# RFC 6238, appendix B: SHA-1, the last six digits of the eight.
RFC_SECRET = pyotp.TOTP("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
VECTORS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]


BROWSER = sealing.digest("a browser where something is chosen")


def printed(person):
    """Codes on paper, the person's from now on."""
    codes = recovery.new_codes()
    with transaction():
        recovery.keep(person.citizen_id, codes)
    return codes


def chosen(person, *, turns=1):
    """What this person chooses: an app, which shows what it proves from now on."""
    with transaction():
        text = setups.open_setup(person.citizen_id, BROWSER)
        for _ in range(turns):
            setups.choose(setups.setup(text, BROWSER), Kind.AUTHENTICATOR)
            secret = setups.setup(text, BROWSER).secret
    return text, pyotp.TOTP(secret)


def adopt(text, code):
    with transaction():
        second_factor.adopt(setups.setup(text, BROWSER), code)


def spend(person, code):
    with transaction():
        return second_factor.spend(person.citizen_id, code)


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_the_rfcs_own_vectors_match(seconds, code):
    at = datetime.fromtimestamp(seconds, UTC)

    assert matching_step(RFC_SECRET.secret, code, at=at) == seconds // 30


@pytest.mark.parametrize(
    ("steps_off", "is_taken"), [(-2, False), (-1, True), (1, True), (2, False)]
)
def test_a_phones_clock_may_be_one_step_off(steps_off, is_taken):
    at = datetime.fromtimestamp(1234567890, UTC)
    shown = RFC_SECRET.at(at + timedelta(seconds=30 * steps_off))

    assert (matching_step(RFC_SECRET.secret, shown, at=at) is not None) is is_taken


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "１２３４５６", "0b1100"])
def test_what_is_no_code_matches_nothing(code):
    assert matching_step(RFC_SECRET.secret, code, at=clock.now()) is None


def test_a_code_may_be_grouped():
    assert typed(" 005 924\u00a0") == "005924"
    assert typed("005-924") == "005924"


def test_a_code_buys_one_thing(person):
    """RFC 6238 §5.2."""
    app = give_authenticator(person)
    code = app.now()

    assert spend(person, code) == "otp"
    with pytest.raises(WrongCode):
        spend(person, code)


def test_an_older_code_is_worth_nothing_after_a_newer_one(person):
    app = give_authenticator(person)
    earlier = app.at(clock.now() - timedelta(seconds=30))
    spend(person, app.now())

    with pytest.raises(WrongCode):
        spend(person, earlier)


def test_the_next_code_is_good_again(person):
    app = give_authenticator(person)
    spend(person, app.now())

    with time_machine.travel(clock.now() + timedelta(seconds=60)):
        assert spend(person, app.at(clock.now())) == "otp"


def test_a_code_that_was_rolled_back_is_not_spent(person):
    app = give_authenticator(person)
    code = app.now()

    with suppress(RuntimeError), transaction():
        second_factor.spend(person.citizen_id, code)
        raise RuntimeError("the sign-in failed after the code")

    assert spend(person, code) == "otp"


def test_a_fixed_code_works_again_and_again_in_the_demo(person):
    assert [spend(person, person.one_time_code) for _ in range(3)] == ["otp"] * 3


def test_a_printed_code_buys_one_thing(person):
    """Each of them, and for whatever asks for a second factor."""
    first, second, *_others = printed(person)

    assert spend(person, first) == "otp"
    with pytest.raises(WrongCode):
        spend(person, first)
    assert spend(person, second) == "otp"


def test_an_app_counts_once_it_shows_its_code_and_that_code_buys_nothing_more(person):
    """RFC 6238 §5.2; the factor of before is worth nothing then."""
    text, app = chosen(person)
    with pytest.raises(WrongCode):
        adopt(text, app.at(clock.now() + timedelta(hours=1)))
    assert spend(person, person.one_time_code) == "otp"

    adopt(text, app.now())

    for code in (person.one_time_code, app.now()):
        with pytest.raises(WrongCode):
            spend(person, code)


def test_an_app_is_chosen_once_however_often_its_page_is_opened(person):
    """The page that is perhaps still open has shown it."""
    _text, app = chosen(person, turns=2)
    text, other = chosen(person)

    assert len(app.secret) >= 32
    assert other.secret != app.secret
    with transaction():
        setups.choose(setups.setup(text, BROWSER), Kind.AUTHENTICATOR)
    assert setups.setup(text, BROWSER).secret == other.secret


class TestAttacker:
    def test_a_choice_is_finished_once(self, person):
        text, _app = chosen(person)
        begun = setups.setup(text, BROWSER)
        with transaction():
            setups.spend(begun)

        with pytest.raises(SetupEnded), transaction():
            setups.spend(begun)
        with pytest.raises(SetupEnded):
            setups.setup(text, BROWSER)

    def test_what_one_person_keeps_or_ends_is_nobody_elses(self, person):
        """Neither codes on paper nor what is being chosen at that moment."""
        mine, (text, app) = printed(person), chosen(person)
        other = lan()

        printed(other)
        with transaction():
            setups.end_all(other.citizen_id)
            recovery.forget(other.citizen_id)

        assert spend(person, mine[0]) == "otp"
        assert setups.setup(text, BROWSER).secret == app.secret

    def test_a_choice_of_another_browser_is_nobodys(self, person):
        text, _app = chosen(person)

        with pytest.raises(SetupEnded):
            setups.setup(text, sealing.digest("another browser"))

    def test_a_printed_code_of_nobody_or_of_somebody_else_is_worth_nothing(self, person):
        printed(person)

        for code in (recovery.new_codes()[0], printed(lan())[0]):
            with pytest.raises(WrongCode):
                spend(person, code)

    def test_the_secret_of_an_app_is_no_code(self, person):
        """A fixed code stands in the place of one; in the demo too they are not the same."""
        app = give_authenticator(person)

        with pytest.raises(WrongCode):
            spend(person, app.secret)

    def test_a_fixed_code_is_worth_nothing_outside_the_demo(self, person, monkeypatch):
        monkeypatch.setattr(settings, "_installed", replace(settings.current(), demo=False))

        with pytest.raises(WrongCode):
            spend(person, person.one_time_code)

    def test_somebody_elses_code_is_worth_nothing(self, person):
        theirs = give_authenticator(lan())
        give_authenticator(person)

        with pytest.raises(WrongCode):
            spend(person, theirs.now())

    def test_of_sixteen_parallel_uses_one_succeeds(self, person):
        """Single use is one conditional UPDATE (design §2.5)."""
        code = give_authenticator(person).now()

        def attempt(_turn):
            try:
                return spend(person, code)
            except WrongCode:
                return "refused"

        with ThreadPoolExecutor(16) as threads:
            outcomes = sorted(threads.map(attempt, range(16)))

        assert outcomes == ["otp"] + ["refused"] * 15
