"""Services hear of a sign-out: OpenID Connect Back-Channel Logout 1.0."""

from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import parse_qs

import jwt
import pytest
import time_machine
from sqlalchemy import select, update

from identity import clock, database, outbox
from identity.authentication import sessions
from identity.database import transaction
from identity.errors import InvalidToken
from identity.logout import back_channel
from identity.outbox import OutboxMessage
from identity.registration.register import end
from identity.signing import keys, tokens
from tests.asking import a_sender, answered, signed_in
from tests.people import lan, submit
from tests.strangers import listening, says

pytestmark = pytest.mark.usefixtures("nothing_waits")


@pytest.fixture
def nothing_waits(app):
    """Other tests may have left messages, and a turn sends whatever is due."""
    del app
    with transaction():
        database.write(update(OutboxMessage).values(next_at=None))


@contextmanager
def hearing(client, *, reply=None, **members):
    """A service whose back channel listens, and the browser it sends people in."""
    with listening(reply or says(b"")) as receiver:
        address = f"http://127.0.0.1:{receiver.port}/bye"
        yield a_sender(client, backchannel_logout_uri=address, **members), receiver


def bought(sender, **asked):
    """The tokens of the person who is signed in in its browser."""
    return sender.redeem(answered(sender.ask(**asked))["code"]).json


def heard(receiver):
    """What each logout token said, once its signature is checked as a service would."""
    return [keys.read_signed(t, typ="logout+jwt", algorithms=ANY) for t in texts(receiver)]


ANY = ("ES256", "RS256")


def texts(receiver):
    return [parse_qs(body.decode())["logout_token"][0] for _, _, _, body in receiver.requests]


def sign_out(client, **how):
    assert submit(client, "/sign-out", **how).status_code == 303


def read(token):
    return jwt.decode(token, options={"verify_signature": False})


def standing(sender):
    """The messages to a service, as they wait."""
    mine = OutboxMessage.public_service_id == sender.service.id
    return database.rows(select(OutboxMessage).where(mine))


def test_a_service_is_told_whose_session_and_which(client):
    """§2.4, §2.5: a form with a token of its own type, the same `sub` and `sid`, no nonce."""
    with hearing(client) as (office, receiver):
        signed_in(client, lan())
        id_token = read(bought(office)["id_token"])
        sign_out(client)

        outbox.deliver()

        ((method, path, headers, _),) = receiver.requests
        (said,) = heard(receiver)
    assert (method, path) == ("POST", "/bye")
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert said["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert {name: said[name] for name in ("iss", "aud", "sub", "sid")} == {
        name: id_token[name] for name in ("iss", "aud", "sub", "sid")
    }
    assert said["aud"] == office.played.client_id
    assert said["exp"] - said["iat"] == 120
    assert "nonce" not in said


def test_it_is_signed_as_the_id_tokens_of_that_service(client):
    """§2.4: by the algorithm that it registered."""
    with hearing(client, id_token_signed_response_alg="RS256") as (office, receiver):
        signed_in(client, lan())
        bought(office)
        sign_out(client)

        outbox.deliver()

        header = jwt.get_unverified_header(texts(receiver)[0])
    assert (header["alg"], header["typ"]) == ("RS256", "logout+jwt")


def test_each_service_of_the_session_is_told_once_and_no_other(client, app):
    """§2.3: who got a token here; one that asked in another browser keeps its session."""
    person, elsewhere = lan(), app.test_client()
    with hearing(client) as (office, first), hearing(client) as (other, second):
        with hearing(elsewhere) as (far, third):
            signed_in(client, person)
            signed_in(elsewhere, person)
            for sender in (office, office, other, far):
                bought(sender)
            sign_out(client)

            outbox.deliver()

            assert [len(one.requests) for one in (first, second, third)] == [1, 1, 0]
        assert heard(first)[0]["sid"] != heard(second)[0]["sid"]


def test_offline_access_lives_on_and_the_session_at_the_service_does_not(client):
    """§2.7."""
    with hearing(
        client, grant_types=["authorization_code", "refresh_token"], scope="openid offline_access"
    ) as (office, receiver):
        signed_in(client, lan())
        kept = bought(office, scope="openid offline_access", prompt="consent")
        sign_out(client)

        outbox.deliver()

        assert heard(receiver)[0]["sid"] == read(kept["id_token"])["sid"]
        form = {"grant_type": "refresh_token", "refresh_token": kept["refresh_token"]}
        again = client.post("/token", data=form, headers=office.played.basic())
    assert again.status_code == 200


@pytest.mark.parametrize("change", [{"status": "locked"}, {"password": "một mật khẩu khác"}])
def test_a_lock_and_a_new_password_are_told_of_as_well(client, change):
    """Design §3: whatever ends a session here."""
    person = lan()
    with hearing(client) as (office, receiver):
        signed_in(client, person)
        bought(office)
        lan(national_id=person.national_id, **change)

        outbox.deliver()

        assert len(receiver.requests) == 1


def test_signing_out_everywhere_tells_of_every_session(client, app):
    person, elsewhere = lan(), app.test_client()
    with hearing(client) as (office, first), hearing(elsewhere) as (far, second):
        signed_in(client, person)
        signed_in(elsewhere, person)
        bought(office)
        bought(far)
        sign_out(client, everywhere="1")

        outbox.deliver()

        assert [len(one.requests) for one in (first, second)] == [1, 1]


def test_where_all_others_end_this_one_is_not_told_of(client, app):
    """A new password spares the browser that chose it."""
    person, elsewhere = lan(), app.test_client()
    with hearing(client) as (office, first), hearing(elsewhere) as (far, second):
        signed_in(client, person)
        here = living(person)
        signed_in(elsewhere, person)
        bought(office)
        bought(far)
        with transaction():
            sessions.end_others(here, "password-change")

        outbox.deliver()

        assert [len(one.requests) for one in (first, second)] == [0, 1]


def living(person):
    """The person's one session."""
    mine = sessions.records.CitizenSession
    row = database.row(select(mine).where(mine.citizen_id == person.citizen_id))
    return sessions.CitizenSession(
        citizen_id=person.citizen_id,
        actor_id=person.citizen_id,
        mandate_id=None,
        id=row.id,
        acr=row.acr,
        amr=(),
        auth_at=row.auth_at,
        account_level=2,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        digest=row.digest,
    )


def test_a_service_without_an_address_gets_no_message(client):
    office = a_sender(client)
    signed_in(client, lan())
    bought(office)

    sign_out(client)

    assert standing(office) == []


@pytest.mark.parametrize("status", [200, 204])
def test_an_ended_service_hears_nothing_and_who_has_heard_no_more(client, status):
    """§2.5, §2.8."""
    with hearing(client, reply=says(b"", status=status)) as (office, _):
        gone = a_sender(client, backchannel_logout_uri=office.service.backchannel_logout_uri)
        signed_in(client, lan())
        assert all(map(bought, (office, gone)))
        end(gone.service.client_id)
        sign_out(client)
        outbox.deliver()

    assert [m.delivered_at is None for m in (*standing(office), *standing(gone))] == [False]


def test_no_message_leaves_where_the_session_did_not_end(client):
    """The same transaction."""
    person = lan()
    with hearing(client) as (office, _):
        signed_in(client, person)
        bought(office)
        _end_and_fail(person)

        assert standing(office) == []


def _end_and_fail(person):
    def fail(_ended):
        raise KeyError("the rest failed")

    sessions.on_end(fail)
    try:
        with pytest.raises(KeyError):
            sessions.end_everywhere(person.citizen_id, "lock")
    finally:
        sessions._endings.pop()


def test_a_service_that_was_away_is_told_when_it_comes_back(client):
    """§2.8: a token made for that very try, so it is in time however long the service was away."""
    answers = iter([503, 400, 204])

    def reply(handler):
        says(b"", status=next(answers))(handler)

    with hearing(client, reply=reply) as (office, receiver):
        signed_in(client, lan())
        bought(office)
        sign_out(client)
        with time_machine.travel(clock.now(), tick=False) as traveller:
            states = []
            for _ in range(3):
                outbox.deliver()
                (message,) = standing(office)
                states.append((message.delivered_at is not None, message.last_error))
                traveller.shift(timedelta(minutes=20))
            assert outbox.deliver() == 0

        first, second, third = heard(receiver)
    assert states == [(False, "OutboundFailed"), (False, "NotSignedOut"), (True, None)]
    assert second["iat"] - first["iat"] == third["iat"] - second["iat"] == 20 * 60
    assert len({said["jti"] for said in (first, second, third)}) == 3
    assert {said["sid"] for said in (first, second, third)} == {first["sid"]}


def test_after_the_longest_session_nobody_is_told_any_more(client):
    """docs/operations.md: twelve hours; what was given up shows on the operator's page."""
    with hearing(client, reply=says(b"no", status=400)) as (office, receiver):
        signed_in(client, lan())
        bought(office)
        sign_out(client)
        with time_machine.travel(clock.now(), tick=False) as traveller:
            for _ in range(30):
                outbox.deliver()
                traveller.shift(timedelta(hours=1))
            (message,) = standing(office)
            assert outbox.standing().given_up >= 1

    assert (message.next_at, message.last_error) == (None, "NotSignedOut")
    assert 10 <= len(receiver.requests) <= 13


def test_it_is_said_that_this_is_offered(client):
    """§2.1."""
    told = client.get("/.well-known/openid-configuration").json

    assert told["backchannel_logout_supported"] is True
    assert told["backchannel_logout_session_supported"] is True


def a_logout_token(office):
    """What the worker would send for a session of that service."""
    message = outbox.Waiting(
        database.new_id(), back_channel.KIND, office.service.id, "", {"sub": "s", "sid": "i"}, 1
    )
    return back_channel.logout_token(message, office.service)


class TestAttacker:
    def test_a_logout_token_is_good_for_nothing_else(self, client):
        """Security cases 29 and 43: typ `logout+jwt`, two minutes, and no nonce."""
        office = a_sender(client)
        token = a_logout_token(office)
        bearer = {"Authorization": f"Bearer {token}"}
        assertion = {
            "client_assertion": token,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "grant_type": "client_credentials",
        }

        for kind in (keys.ID_TOKEN, keys.ACCESS_TOKEN, keys.EVENT):
            with pytest.raises(InvalidToken):
                keys.read_signed(token, typ=kind, algorithms=ANY)
        with pytest.raises(InvalidToken):
            tokens.read_id_token_hint(token)
        assert client.get("/userinfo", headers=bearer).status_code == 401
        assert client.post("/token", data=assertion).json["error"] == "invalid_client"
        assert client.get("/end-session", query_string={"id_token_hint": token}).status_code == 400
        assert office.error(prompt="none", id_token_hint=token) == "invalid_request"

    def test_an_id_token_is_no_logout_token(self, client):
        """§2.6: what a service must refuse is told apart by its type, events and nonce."""
        office = a_sender(client)
        signed_in(client, lan())

        id_token = bought(office)["id_token"]

        assert jwt.get_unverified_header(id_token)["typ"] != "logout+jwt"
        assert "events" not in read(id_token)
        with pytest.raises(InvalidToken):
            keys.read_signed(id_token, typ=keys.LOGOUT_TOKEN, algorithms=ANY)

    def test_two_services_cannot_join_what_they_hear(self, client):
        """Security case 53."""
        person = lan()
        with hearing(client) as (office, first), hearing(client) as (other, second):
            signed_in(client, person)
            bought(office)
            bought(other)
            sign_out(client)
            outbox.deliver()

            (one,), (two,) = heard(first), heard(second)
        shared = {name for name in one if one[name] == two[name]}
        assert shared <= {"iss", "iat", "exp", "events"}
        assert person.national_id not in str((one, two))

    @pytest.mark.parametrize("status", [302, 307, 308])
    def test_the_message_is_not_handed_on_to_another_place(self, client, status):
        """Security case 66."""
        with listening(says(b"")) as inside:
            away = says(b"", status=status, Location=f"http://127.0.0.1:{inside.port}/")
            with hearing(client, reply=away) as (office, _):
                signed_in(client, lan())
                bought(office)
                sign_out(client)

                outbox.deliver()

                (message,) = standing(office)
            assert (message.delivered_at, message.last_error) == (None, "OutboundRedirected")
            assert inside.connections == 0

    def test_an_endless_answer_is_cut(self, client):
        """Security case 66: it counts as no answer."""
        with hearing(client, reply=says(b"x" * 2_000_000)) as (office, _):
            signed_in(client, lan())
            bought(office)
            sign_out(client)

            outbox.deliver()

            (message,) = standing(office)
        assert (message.delivered_at, message.last_error) == (None, "OutboundRefused")

    def test_who_never_redeemed_its_code_hears_nothing(self, client):
        """A registration alone is no way to learn when people come and go."""
        with hearing(client) as (stranger, receiver):
            signed_in(client, lan())
            stranger.ask()
            sign_out(client)

            outbox.deliver()

        assert receiver.requests == []
