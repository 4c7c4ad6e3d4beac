"""What may be used once is used once, whoever else tries at the same moment."""

from urllib.parse import urlencode

from tests.drills import record
from tests.drills.racing import Crowd, tally
from tests.drills.town import Town
from tests.drills.wire import FORM, Answer, Office


def check_code(crowd: Crowd, code: str) -> int:
    """At most one gets tokens, and since the others tried, they are dead; how many got them."""
    town = crowd.town
    given, refused = tally(crowd.at_once(lambda office: town.redeem(office, code)))

    assert len(given) <= 1
    assert {(no.status, no.json["error"]) for no in refused} == {(400, "invalid_grant")}
    for answer in given:
        _check_dead(crowd.offices[0], answer)
    return len(given)


def _check_dead(office: Office, bought: Answer) -> None:
    tokens = bought.json
    assert office.userinfo(tokens["access_token"]).status == 401
    assert not office.is_active(tokens["access_token"])
    assert not office.is_active(tokens["refresh_token"])
    assert office.refresh(tokens["refresh_token"]).status == 400


def check_refresh(crowd: Crowd, token: str) -> str:
    """All get the same successor, and it is the only one that lives; the successor."""
    given, refused = tally(crowd.at_once(lambda office: office.refresh(token)))

    assert not refused, [(no.status, no.json) for no in refused]
    (successor,) = {answer.json["refresh_token"] for answer in given}
    office = crowd.offices[0]
    assert all(office.is_active(answer.json["access_token"]) for answer in given)
    assert office.is_active(successor)
    return successor


def check_assertion(crowd: Crowd, form: dict[str, str]) -> None:
    """Of all who present the same signed request, one gets a token."""
    given, refused = tally(crowd.at_once(lambda office: present(office, form)))

    assert len(given) == 1
    assert {(no.status, no.json["error"]) for no in refused} == {(401, "invalid_client")}


def present(office: Office, form: dict[str, str]) -> Answer:
    """`POST /token` with a signed request instead of a secret."""
    body = urlencode(form).encode()
    return office.wire.send("POST", "/token", body=body, Content_Type=FORM)


def families(town: Town) -> tuple[int, int]:
    """How many there are, and how many of them have ended."""
    query = "SELECT count(*), count(ended_at) FROM token_family"
    ((known, ended),) = record.rows(town.database, query)
    return known, ended
