"""What a request may ask of the database (design §9): one round trip and one commit where it says.

On PostgreSQL a joined statement is one round trip; on SQLite each is one transaction.
"""

import pytest

from identity import database
from identity.provider import client_credentials
from tests.asking import Sender, a_sender, signed_in
from tests.offices import Office, a_decision, about_scopes, an_office
from tests.people import form_token, lan
from tests.proving import Holder, bound, redeemed, refreshed
from tests.public_services import a_service_with_a_key
from tests.pushing import push

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def office(client):
    office = an_office(client)
    office.sign_in(lan())  # whatever a process reads once, it has read now
    return office


def spent_by(act):
    """Round trips and commits of one request; on SQLite a round trip is a statement."""
    with database.counted() as tally:
        answer = act()
    assert answer.status_code in {200, 201}, answer.json
    return (tally.round_trips if database.is_postgresql() else 1), tally.commits


def trips(many):
    """So many round trips, where they are counted."""
    return many if database.is_postgresql() else 1


def test_a_code_exchange(office):
    """Design §9: at most two."""
    code = office.authorize(lan(), decisions=(a_decision(),))

    assert spent_by(lambda: office.redeem(code)) == (1, 1)


def test_an_answer_with_a_session(client, settings):
    """Design §9: at most two; who is signed in, and one that opens the grant and keeps the code.

    Who was looked up a moment ago is looked up in that one, where no page is needed.
    """
    sender, another = a_sender(client), client.application.test_client()
    signed_in(another, lan())
    Sender(another, sender.played).ask()  # whatever a process reads once, it has read now
    signed_in(client, lan())

    asked = []
    for _ in range(2):
        with database.counted() as tally:
            assert "code=" in sender.ask().location
        asked.append((tally.round_trips, tally.commits))

    assert asked == [(2, 1), (1, 1) if settings.express_lane else (2, 1)]


def test_a_refresh(office):
    """Rotation, reuse detection and the live decisions in one."""
    token = office.sign_in(lan(), decisions=(a_decision(),))["refresh_token"]

    assert spent_by(lambda: office.refresh(token)) == (1, 1)


def test_userinfo_with_its_entry(office):
    """Gate, sealed values and log leaf in one."""
    bought = office.sign_in(lan(), scope="openid profile", decisions=(about_scopes("name"),))

    assert spent_by(lambda: office.userinfo(bought["access_token"])) == (1, 1)


def test_userinfo_without_anything_to_tell_commits_nothing(office):
    """A look behind the gate."""
    bought = office.sign_in(lan())

    assert spent_by(lambda: office.userinfo(bought["access_token"])) == (1, 0)


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_introspection(office, kind):
    """Revocation effective at once, at the price of one look."""
    bought = office.sign_in(lan(), decisions=(a_decision(),))

    assert spent_by(lambda: office.post("/introspect", token=bought[kind])) == (1, 0)


def test_client_credentials(office):
    """Nothing is stored; who was seen alive a moment ago is not asked again (decision 0032)."""
    client_credentials.forget()

    first, second = (
        spent_by(lambda: office.post("/token", grant_type="client_credentials")) for _ in range(2)
    )

    assert first == (1, 0)
    assert second == ((0, 0) if database.is_postgresql() else (1, 0))


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_revocation(office, kind):
    """One conditional UPDATE."""
    bought = office.sign_in(lan())

    assert spent_by(lambda: office.post("/revoke", token=bought[kind])) == (1, 1)


def test_a_pushed_request(client):
    """RFC 9126: one INSERT that also asks whether the service still is as it was."""
    sender = a_sender(client)
    push(sender)

    assert spent_by(lambda: push(sender)) == (1, 1)


class TestProofs:
    """A proof is spent with what it is for (decision 0044), or by a statement of its own."""

    def test_a_refresh_with_a_proof(self, client, office):
        holder = Holder(client)
        token = bound(office, holder)["refresh_token"]

        assert spent_by(lambda: refreshed(office, holder, token)) == (1, 1)

    def test_a_code_exchange_with_a_proof(self, client, office):
        holder = Holder(client)
        bound(office, holder)
        code = office.authorize(lan())

        assert spent_by(lambda: redeemed(office, holder, code)) == (1, 1)

    def test_userinfo_with_a_proof(self, client, office):
        holder = Holder(client)
        token = bound(office, holder)["access_token"]

        asked = spent_by(lambda: holder.send("GET", "/userinfo", token=token))

        assert asked == (trips(2), 1)

    def test_a_pushed_request_with_a_proof(self, client):
        sender, holder = a_sender(client), Holder(client)
        sent = {"data": sender.query(), "headers": sender.played.basic()}
        holder.send("POST", "/par", **sent)

        assert spent_by(lambda: holder.send("POST", "/par", **sent)) == (trips(2), 2)

    def test_client_credentials_with_an_assertion(self, client):
        """Decision 0018: the assertion is spent first; nothing else is asked or kept."""
        office = Office(client, a_service_with_a_key(grant_types=["client_credentials"]))

        def ask():
            form = {"grant_type": "client_credentials"} | office.played.assertion()
            return client.post("/token", data=form)

        ask()
        assert spent_by(ask) == (trips(1), 1)


def told_by(act):
    """Round trips and commits of one page; on SQLite each clause that only reads is one."""
    with database.counted() as tally:
        page = act()
    assert page.status_code in {200, 303}, page.text
    return page, (tally.round_trips, tally.commits)


def test_a_sign_in_step_by_step(client):
    """A page costs at most one look; a proof a look, the counted try, and one write of the rest."""
    person = lan()
    numbers = {"national_id": person.national_id, "password": person.password}

    form, shown = told_by(lambda: client.get("/sign-in"))
    known = {"csrf_token": form_token(form)}
    _, proved = told_by(lambda: client.post("/sign-in", data=known | numbers))
    _, asked = told_by(lambda: client.get("/sign-in/code"))
    code = known | {"one_time_code": person.one_time_code}
    _, signed_in = told_by(lambda: client.post("/sign-in/code", data=code))

    proof = (3, 2) if database.is_postgresql() else (4, 2)
    assert (shown, proved, asked, signed_in) == ((0, 0), proof, (1, 0), proof)
