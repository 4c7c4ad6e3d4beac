"""CIBA Core §10.2, ping: the service hears that there is an answer; §7.1.1, signed requests."""

import json
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from identity import clock, database, outbox, settings
from identity.ciba.asking import LIFETIME
from identity.database import transaction
from identity.outbox import OutboxMessage
from tests.backchannel import TOKEN, a_desk, allow, answer
from tests.counterfeits import Genuine
from tests.strangers import listening, says

pytestmark = pytest.mark.usefixtures("nothing_waits")


@pytest.fixture
def nothing_waits(app):
    """Other tests may have left messages, and a turn sends whatever is due."""
    del app
    with transaction():
        database.write(update(OutboxMessage).values(next_at=None))


@contextmanager
def hearing(app, *, status=204, **headers):
    """A counter's system whose endpoint listens."""
    with listening(says(b"", status=status, **headers)) as receiver:
        address = f"http://127.0.0.1:{receiver.port}/answered"
        yield (
            a_desk(
                app,
                backchannel_token_delivery_mode="ping",
                backchannel_client_notification_endpoint=address,
            ),
            receiver,
        )


def messages(desk):
    mine = OutboxMessage.public_service_id == desk.service.id
    return database.rows(select(OutboxMessage).where(mine))


@pytest.mark.parametrize("chosen", ["allow", "deny"])
def test_a_service_hears_that_there_is_an_answer(app, person, phone, chosen):
    """CIBA Core §10.2: its own token as proof, the auth_req_id, and no word of what it is."""
    with hearing(app) as (desk, receiver):
        desk.ask(person, client_notification_token=TOKEN)
        assert not messages(desk)
        phone.get(answer(phone, chosen).location)

        outbox.deliver()

        ((method, path, headers, body),) = receiver.requests
    assert (method, path) == ("POST", "/answered")
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {"auth_req_id": desk.told["auth_req_id"]}
    assert desk.poll().status_code == (200 if chosen == "allow" else 400)


def test_neither_token_nor_id_is_kept_in_the_open(app, person, phone):
    """Invariant 8: what waits to be sent is sealed."""
    with hearing(app) as (desk, _receiver):
        desk.ask(person, client_notification_token=TOKEN)
        allow(phone)

        kept = repr([desk.kept(), messages(desk)])

    assert TOKEN not in kept
    assert desk.told["auth_req_id"] not in kept


def test_a_service_that_was_away_is_told_again_until_it_is_too_late(app, person, phone):
    """Tried later, each time later, and never after the request is over."""
    with hearing(app, status=500) as (desk, receiver):
        desk.ask(person, client_notification_token=TOKEN)
        allow(phone)
        outbox.deliver()
        with time_machine.travel(clock.now() + timedelta(seconds=10), tick=True):
            outbox.deliver()
        with time_machine.travel(clock.now() + LIFETIME * 2, tick=True):
            outbox.deliver()

        assert len(receiver.requests) == 2
    assert desk.poll().status_code == 200


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("status", "is_heard"), [(200, True), (204, True), (202, False), (503, False)]
)
def test_only_200_and_204_say_that_it_was_heard(app, person, phone, status, is_heard):
    """CIBA Core §10.2; whoever answers otherwise is told again."""
    with hearing(app, status=status) as (desk, _receiver):
        desk.ask(person, client_notification_token=TOKEN)
        allow(phone)

        outbox.deliver()

        (message,) = messages(desk)
    assert (message.delivered_at is not None) is is_heard
    assert (message.next_at is None) is is_heard


@pytest.mark.sqlite
@pytest.mark.parametrize(("status", "times"), [(401, 1), (403, 1), (404, 1), (307, 1), (429, 2)])
def test_a_service_that_will_not_hear_is_not_told_again(app, person, phone, status, times):
    """FAPI-CIBA plan, endpoint answers 401: told once, and it may ask as before."""
    with hearing(app, status=status) as (desk, receiver):
        desk.ask(person, client_notification_token=TOKEN)
        allow(phone)
        outbox.deliver()
        with time_machine.travel(clock.now() + timedelta(seconds=10), tick=True):
            outbox.deliver()

        (message,) = messages(desk)
        assert len(receiver.requests) == times
        assert (message.next_at is None, message.delivered_at) == (times == 1, None)
    assert desk.poll().status_code == 200


@pytest.mark.sqlite
def test_a_ping_is_not_handed_on_to_another_place(app, person, phone):
    """CIBA Core §10.2, security cases 38 and 66: 3xx is no answer, and nobody else is visited."""
    with listening(says(b"")) as inside:
        place = f"http://127.0.0.1:{inside.port}/"
        with hearing(app, status=307, Location=place) as (desk, _receiver):
            desk.ask(person, client_notification_token=TOKEN)
            allow(phone)

            outbox.deliver()

            (message,) = messages(desk)
        assert (message.delivered_at, message.last_error) == (None, "NotWanted")
        assert inside.connections == 0


@pytest.mark.sqlite
def test_a_ping_needs_a_token_that_nobody_guesses(app, person):
    """CIBA Core §7.1: 128 bits and the letters of RFC 6750, at most 1,024."""
    with hearing(app) as (desk, _receiver):
        for token in (None, "short", "x" * 1025, "a b" * 20, "ạ" * 30):
            told = desk.ask(person, client_notification_token=token)
            assert (told.status_code, told.json["error"]) == (400, "invalid_request"), token
        assert not desk.kept()


@pytest.mark.sqlite
def test_who_polls_is_told_nothing(app, person, phone):
    """What it sent all the same has no effect."""
    desk = a_desk(app)
    desk.ask(person, client_notification_token=TOKEN)
    allow(phone)

    assert not messages(desk)


class TestSigned:
    """CIBA Core §7.1.1: for whoever registered that it signs."""

    @pytest.fixture
    def desk(self, app):
        return a_desk(app, signs=True, backchannel_authentication_request_signing_alg="ES256")

    def test_a_signed_request_is_asked(self, desk, person, phone):
        details = [{"type": "vn_procedure", "procedure": "0.0"}]

        told = desk.signed(person, requested_expiry=60, binding_message="Quầy 3")

        assert (told.status_code, told.json["expires_in"]) == (200, 60)
        assert "Quầy 3" in desk.kept()[0].binding_message
        assert allow(phone).location == "/my/requests/allowed"
        assert desk.poll().status_code == 200
        refusal = desk.signed(person, authorization_details=details).json
        assert refusal["error_uri"].endswith("#unknown-procedure")  # so they were read

    @pytest.mark.sqlite
    def test_what_is_not_as_the_specification_says_is_refused(self, desk, person):
        """Every claim it names is needed, and is held against us, it and now."""
        now = int(time.time())
        for claims in (
            {"iss": "somebody-else"},
            {"aud": "https://elsewhere.test"},
            {"aud": None},
            {"jti": None},
            {"iat": None},
            {"nbf": None},
            {"exp": None},
            {"exp": now - 1},
            {"nbf": now + 300},
            {"exp": now + 7200},
            {"sub": desk.played.client_id},
            {"jti": ""},
            {"jti": "x" * 257},
            {"scope": 7},
            {"scope": ""},
            {"scope": "openid \ud800"},
            {"resource": ["http://localhost:8000/api", 7]},
            {"acr_values": ["vn:2"]},
            {"authorization_details": {"type": "vn_procedure"}},
            {"requested_expiry": True},
            {"login_hint": "0" * 101},
            {"binding_message": "x\x00y"},
        ):
            told = desk.signed(person, **claims)
            assert (told.status_code, told.json["error"]) == (400, "invalid_request"), claims
            assert told.json["error_uri"].endswith("#invalid-signed-request"), claims
        assert not desk.kept()

    @pytest.mark.sqlite
    def test_lists_and_types_that_the_specifications_name_are_read(self, desk, person):
        """RFC 7519 §4.1.3: several audiences; RFC 9101 §10.8: its own `typ`; RFC 8707 §2."""
        here = settings.current().issuer
        for claims in (
            {"aud": [here, "https://elsewhere.test"]},
            {"typ": "oauth-authz-req+jwt"},
            {"resource": [here, f"{here}/api"]},
        ):
            told = desk.signed(person, **claims)
            assert told.status_code == 200, (claims, told.json)

    @pytest.mark.sqlite
    def test_nothing_stands_beside_it_and_it_is_not_left_out(self, desk, person):
        """CIBA Core §7.1.1; and what is registered as signed comes signed."""
        assert desk.signed(person, beside={"binding_message": "x"}).status_code == 400
        assert desk.ask(person).json["error"] == "invalid_request"

    def test_it_asks_once(self, desk, person):
        """Whoever catches it asks nobody a second time."""
        assert desk.signed(person, jti="once").status_code == 200
        assert desk.signed(person, jti="once").status_code == 400

    @pytest.mark.sqlite
    @pytest.mark.parametrize("alg", [None, 7, ["ES256"], {"ES256": 1}, "none", "HS256"])
    def test_an_algorithm_is_a_text_and_the_registered_one(self, desk, person, alg):
        """RFC 7515 §4.1.1, RFC 8725 §3.1."""
        told = Genuine(desk.object_of(person)).by(desk.played.key, alg=alg)

        refusal = desk.post("/bc-authorize", {"request": told})

        assert refusal.status_code == 400
        assert refusal.json["error_uri"].endswith("#invalid-signed-request")
        genuine = Genuine(desk.object_of(person)).by(desk.played.key)
        assert desk.post("/bc-authorize", {"request": genuine}).status_code == 200

    @pytest.mark.sqlite
    def test_another_services_key_signs_nothing(self, app, desk, person):
        other = a_desk(app, signs=True, backchannel_authentication_request_signing_alg="ES256")
        desk.played.key, own = other.played.key, desk.played.key
        text = desk.object_of(person)
        desk.played.key = own

        assert desk.post("/bc-authorize", {"request": text}).json["error"] == "invalid_request"
