"""Where nobody may wait, the database and the network are refused before anything is done."""

import pytest

from identity import database, outbound, waiting
from identity.signing import key_files
from identity.signing.keys import SigningKeys
from identity.together import Clause, look, together
from tests.installations import a_key_folder
from tests.turns import in_a_turn

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
    with pytest.raises(waiting.MustWait):
        in_a_turn(wait)


@pytest.mark.usefixtures("app")
def test_afterwards_it_is_as_before():
    in_a_turn(lambda: None)

    answer = look(ONE)

    assert answer == {"one.it": 1}


@pytest.fixture
def overdue(tmp_path):
    """Keys that were rotated since they were read, and what they published before."""
    folder = a_key_folder(tmp_path / "signing")
    signing = SigningKeys(folder)
    before = signing.jwks()
    key_files.rotate(folder, early=True)
    signing._looked_at -= 60
    return signing, before


def test_keys_are_read_where_one_may_wait(overdue):
    """Reading them takes a tenth of a second, and a token outside of us may not answer at all."""
    signing, before = overdue

    with pytest.raises(waiting.MustWait):
        in_a_turn(signing.jwks)

    assert signing.jwks() != before  # the look that was not taken is not taken for one
    assert in_a_turn(signing.jwks) != before


def test_who_asks_after_a_look_has_none_to_take(overdue):
    """So a web process looks by itself, twice a second."""
    signing, before = overdue

    signing.look()

    assert in_a_turn(signing.jwks) != before


def test_nobody_on_the_way_takes_it_for_an_accident():
    assert not issubclass(waiting.MustWait, Exception)
