"""What is good once, tried by a crowd while everything is killed, and again when it stands."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import jwt

from tests.drills.clients import CHANCE
from tests.drills.proofs import Prover, pushed
from tests.drills.racing import Crowd, codes
from tests.drills.single_use import present
from tests.drills.town import Town
from tests.drills.wire import Answer, Lost, Office

OF_EACH = 4
NOTICED_SECONDS = 1.5  # a process looks at its keys once a second
LONGEST_WAIT_SECONDS = 0.25  # until the fall: not all of it has been tried by then


@dataclass
class Once:
    """Something that is good once: how it is presented, and what came of it when it was taken."""

    what: str
    present: Callable[[Office], Answer]
    is_taken: Callable[[Answer], bool]
    taken: list[Answer] = field(default_factory=list)

    def try_it(self, office: Office) -> None:
        """Present it; a broken connection says nothing of what became of it."""
        try:
            answer = self.present(office)
        except Lost:
            return
        if self.is_taken(answer):
            self.taken.append(answer)


def _is_given(answer: Answer) -> bool:
    return answer.status == 200


def _is_led_away(answer: Answer) -> bool:
    return answer.status == 303


def things(town: Town) -> list[Once]:
    """Codes, client assertions, proofs of a key and pushed requests that nobody has used."""
    prover = Prover(town)
    made = []
    for code in codes(town, town.people[0], OF_EACH):
        made.append(Once("code", lambda o, c=code: town.redeem(o, c), _is_given))
        form, proof, path = town.assertion(), prover.proof(), pushed(town)
        made.append(Once("assertion", lambda o, f=form: present(o, f), _is_given))
        made.append(Once("proof", lambda o, p=proof: prover.show(o, p), _is_given))
        made.append(Once("pushed", lambda o, p=path: o.wire.send("GET", p), _is_led_away))
    return made


def check_fall(crowd: Crowd, used: Sequence[Once]) -> tuple[int, int]:
    """None is taken twice, whatever died in between; how many before the end of it, and after."""
    town = crowd.town
    fall = threading.Timer(CHANCE.uniform(0, LONGEST_WAIT_SECONDS), town.serving.kill_group)
    fall.start()
    crowd.at_once(lambda office: _try_all(office, used))
    fall.join()
    before = sum(len(one.taken) for one in used)

    crowd.spread()
    town.serving.start()
    crowd.at_once(lambda office: _try_all(office, used))

    assert [one.what for one in used if len(one.taken) > 1] == []
    office = town.office()
    bought = [answer for one in used if one.what == "code" for answer in one.taken]
    assert not any(office.is_active(answer.json["access_token"]) for answer in bought)
    return before, sum(len(one.taken) for one in used) - before


def _try_all(office: Office, used: Sequence[Once]) -> None:
    for one in CHANCE.sample(list(used), len(used)):
        one.try_it(office)


def falls(town: Town, rounds: int) -> tuple[int, int]:
    """So many times; how many were taken before a fall and after it."""
    crowd, before, after = Crowd(town), 0, 0
    for _ in range(rounds):
        crowd.spread()
        early, late = check_fall(crowd, things(town))
        before, after = before + early, after + late
    return before, after


def spent_before_a_fall(town: Town, count: int) -> None:
    """A refresh token whose successor was used ends its family, also when all was killed since."""
    office, kept = town.office(), []
    for code in codes(town, town.people[1], count):
        first = town.redeem(office, code).json["refresh_token"]
        second = office.refresh(first).json["refresh_token"]
        kept.append((code, first, office.refresh(second).json))

    town.serving.kill_group()
    town.serving.start()

    office = town.office()
    for number, (code, first, newest) in enumerate(kept):
        assert office.is_active(newest["access_token"])  # what nobody replays, goes on
        replay = town.redeem(office, code) if number % 2 else office.refresh(first)
        assert (replay.status, replay.json["error"]) == (400, "invalid_grant")
        assert not office.is_active(newest["access_token"])
        assert office.refresh(newest["refresh_token"]).status == 400


def key_taken_out(town: Town) -> None:
    """Nothing that a stolen key signed opens anything: in no process, and after a fall neither."""
    office, crowd = town.office(), Crowd(town)
    (code,) = codes(town, town.people[1], 1)
    bought = town.redeem(office, code).json
    stolen = jwt.get_unverified_header(bought["access_token"])["kid"]
    assert _seen(crowd, bought["access_token"]) == {200}

    town.command("keys", "remove", stolen)
    time.sleep(NOTICED_SECONDS)

    assert _seen(crowd, bought["access_token"]) == {401}
    renewed = office.refresh(bought["refresh_token"]).json
    assert jwt.get_unverified_header(renewed["access_token"])["kid"] != stolen
    assert _seen(crowd, renewed["access_token"]) == {200}

    town.serving.kill_group()
    town.serving.start()

    assert _seen(crowd, bought["access_token"]) == {401}
    assert _seen(crowd, renewed["access_token"]) == {200}


def _seen(crowd: Crowd, access_token: str) -> set[int]:
    """What all hands are answered, each over a connection of its own."""
    crowd.spread()
    return {answer.status for answer in crowd.at_once(lambda o: o.userinfo(access_token))}
