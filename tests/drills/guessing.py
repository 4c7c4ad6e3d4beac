"""A hundred wrong passwords at one moment."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.drills.town import Resident, Town, sign_in
from tests.drills.wire import Browser
from tests.people import PASSWORD

GUESSES = 100
ONE_DEVICE, ONE_NUMBER = 5, 20  # design §3
EVALUATED, THROTTLED = 403, 429


def check_budgets(town: Town) -> None:
    """From one strange device 5 are looked at, from many 20; the owner's own is not concerned."""
    target, another = town.guessed
    own = Browser(town.wire())
    assert sign_in(own, target) == "/my"

    from_one = _guess(town, target, [_at_the_form(town)] * GUESSES)
    assert from_one == {EVALUATED: ONE_DEVICE, THROTTLED: GUESSES - ONE_DEVICE}

    from_many = _guess(town, another, [_at_the_form(town) for _ in range(GUESSES)])
    assert from_many == {EVALUATED: ONE_NUMBER, THROTTLED: GUESSES - ONE_NUMBER}

    own.cookies.pop("motlan-citizen")
    assert sign_in(own, target) == "/my"


def _at_the_form(town: Town) -> Browser:
    browser = Browser(town.wire())
    browser.cookies["csrf"] = browser.get("/sign-in").field("csrf_token")
    return browser


def _guess(town: Town, target: Resident, guessers: list[Browser]) -> Counter[int]:
    barrier = threading.Barrier(len(guessers))

    def guess(number: int) -> int:
        browser = Browser(town.wire())
        browser.cookies |= guessers[number].cookies
        token = browser.cookies.pop("csrf")
        barrier.wait()
        wrong = f"{PASSWORD}, but wrong {number}"
        fields = {"national_id": target.national_id, "password": wrong, "csrf_token": token}
        return browser.post("/sign-in", **fields).status

    with ThreadPoolExecutor(len(guessers)) as threads:
        return Counter(threads.map(guess, range(len(guessers))))
