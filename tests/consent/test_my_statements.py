"""However much there is of a person, a page asks the database a few things (issue 3, §4)."""

import pytest

from consent.ledger import withdraw
from identity import database
from identity.public_services import registered
from tests import exchange
from tests.complaining import a_look, complains
from tests.deciding import an_asking_service, detail, signed_in
from tests.exchange import entries, fill_register, told
from tests.objecting import objects
from tests.people import lan

MOST = 12
PAGES = ("/my", "/my/data", "/my/consents", "/my/access", "/my/complaints")
NARROWED = "/my/access?basis=request&attribute=full_name&institution=none"


@pytest.fixture(scope="module")
def busy(app):
    """Somebody with a row of every kind, several times, each of another public service."""
    with app.app_context():
        exchange.publish_catalogues()
    her = signed_in(app.test_client(), lan())
    fill_register("population", told(her.person, "contact_phone", "+84999000021"))
    for n in range(6):
        service = an_asking_service(decision_events_uri=f"http://127.0.0.1:9/{n}")
        her.is_asked(service, detail("full_name", case=f"H-{n}")).allow()
        if n % 2:
            withdraw.withdraw(her.decisions()[0].decision_id, by=her.session)
        objects(her, service)
        complains(her, a_look(her.person, service, without=["contact_email"]))
    for _ in range(60):
        a_look(her.person, an_asking_service() if _ % 10 == 0 else service)
    return her


def asked(her, path):
    """How often a page asks the database, when nothing of the services is remembered."""
    assert her.client.get(path).status_code == 200  # catalogues are remembered by every process
    registered.forget()
    with database.counted() as tally:
        assert her.client.get(path).status_code == 200
    return tally.round_trips


@pytest.mark.parametrize("path", [*PAGES, NARROWED])
def test_a_page_asks_at_most_twelve_things(busy, path):
    assert 3 <= asked(busy, path) <= MOST


def test_the_page_of_one_thing_does_not_either(busy):
    person = busy.person.citizen_id
    decision = busy.decisions()[0].decision_id
    look = [e for e in entries(person) if e.type == "attributes:released"][-1]
    receipt = busy.client.get("/my").text.partition("/my/receipts/")[2].partition('"')[0]

    for path in (
        f"/my/consents/{decision}",
        f"/my/receipts/{receipt}",
        f"/my/access/{look.id}/complaint",
        f"/my/access?decision={decision}",
    ):
        assert 3 <= asked(busy, path) <= MOST


@pytest.fixture(scope="module")
def few(app, busy):
    """Somebody with one of each."""
    del busy  # whose catalogues stand
    her = signed_in(app.test_client(), lan())
    service = an_asking_service(decision_events_uri="http://127.0.0.1:9/x")
    her.is_asked(service, detail("full_name")).allow()
    withdraw.withdraw(her.decisions()[0].decision_id, by=her.session)
    objects(her, service)
    complains(her, a_look(her.person, an_asking_service(), without=["contact_email"]))
    return her


@pytest.mark.parametrize("path", PAGES)
def test_one_row_or_many_is_the_same_to_a_page(busy, few, path):
    """Nothing is looked up row by row."""
    assert asked(busy, path) <= asked(few, path)
