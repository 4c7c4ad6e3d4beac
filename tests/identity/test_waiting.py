"""Where nobody may wait, the database and the network are refused before anything is done."""

import pytest

from identity import database, outbound, waiting
from identity.together import Clause, look, together

ONE = Clause("one", "SELECT 1 AS it", "SELECT 1 AS it", returns={"it": int})


def _begin() -> None:
    with database.transaction():
        pass


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    "wait",
    [
        _begin,
        lambda: together(ONE),
        lambda: look(ONE),
        lambda: outbound.Outbound().get_json("https://somewhere.example/"),
    ],
)
def test_whoever_would_wait_is_told_so(wait):
    with waiting.for_nobody(), pytest.raises(waiting.MustWait):
        wait()


@pytest.mark.usefixtures("app")
def test_afterwards_it_is_as_before():
    with waiting.for_nobody():
        pass

    answer = look(ONE)

    assert answer == {"one.it": 1}


def test_nobody_on_the_way_takes_it_for_an_accident():
    assert not issubclass(waiting.MustWait, Exception)
