"""The promises about acts at one moment, as often as a drill or the suite wants to see them."""

from pathlib import Path

from tests.drills import record
from tests.drills.memory import Memory
from tests.drills.racing import Crowd, codes, in_parallel, race, ready
from tests.drills.single_use import check_assertion, check_code, check_refresh, families, present
from tests.drills.town import Town


def withdrawals_race_releases(town: Town, rounds: int, folder: Path) -> Memory:
    """No disclosure stands after the withdrawal; each person makes one decision."""
    memory = Memory()
    people = in_parallel(lambda n: ready(town, town.people[n], f"HS-{n}"), rounds)

    for one in people:
        race(town, one, memory)

    assert len(memory.withdrawn) == rounds
    assert len(memory.promised) > rounds / 2  # else nothing has raced
    assert not memory.past_withdrawal()
    record.until_sequenced(town)
    assert record.late_looks(town) == []
    record.check_promises(town, memory.promised, folder)
    return memory


def codes_are_redeemed_by_a_crowd(town: Town, count: int) -> int:
    """At most one success each, and no token of it works; how many succeeded."""
    each = 10  # a code lives for 60 seconds
    won, crowd = 0, Crowd(town)
    for start in range(0, count, each):
        for code in codes(town, town.people[0], min(each, count - start)):
            crowd.spread()
            won += check_code(crowd, code)
    assert won  # else nothing was for sale
    return won


def refresh_tokens_are_used_by_a_crowd(town: Town, count: int) -> None:
    """All succeed with the same successor, in the one family that there was."""
    crowd, office = Crowd(town), town.office()
    before = families(town)
    for code in codes(town, town.people[1], count):
        crowd.spread()
        check_refresh(crowd, town.redeem(office, code).json["refresh_token"])
    assert families(town) == (before[0] + count, before[1])


def assertions_are_replayed(town: Town, count: int) -> None:
    """By a crowd over all processes, and right after everything was killed."""
    crowd = Crowd(town)
    for _ in range(count):
        crowd.spread()
        check_assertion(crowd, town.assertion())
    used = [town.assertion() for _ in range(3)]
    assert [present(town.office(), form).status for form in used] == [200] * 3

    town.serving.kill_group()
    town.serving.start()

    answers = [present(town.office(), form) for form in used]
    assert [answer.json["error"] for answer in answers] == ["invalid_client"] * 3
