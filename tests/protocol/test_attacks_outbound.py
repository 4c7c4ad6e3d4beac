"""Addresses that others choose: none makes us knock at a door inside (cases 37, 38, 40, 66)."""

from urllib.parse import quote

import pytest
import time_machine

from consent.ledger import withdraw
from identity import clock, outbound, outbox
from identity.errors import InvalidClient, InvalidToken
from identity.outbound import Outbound, OutboundRefused
from identity.provider import grant_types
from identity.public_services import registered, service_keys
from identity.registration.register import BadRegistrationError, register
from identity.signing import keys
from tests.asking import a_sender
from tests.deciding import an_asking_service, detail, signed_in
from tests.exchange import publish_catalogues
from tests.offices import an_office
from tests.people import lan
from tests.public_services import a_service_with_a_key, authenticate, registration
from tests.strangers import listening, says

pytestmark = pytest.mark.usefixtures("app")

INSIDE = [
    "http://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "https://[::1]:{port}/",
    "https://169.254.169.254/latest/meta-data/",
    "https://10.0.0.1/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/",
    "https://user@127.0.0.1:{port}/",
]
# What nothing fetches yet is refused where it could only mean harm.
RUNS = ["file:///etc/passwd", "gopher://127.0.0.1:1/", "http://10.0.0.1/", "javascript:x"]
MEMBERS = [
    "jwks_uri",
    "sector_identifier_uri",
    "logo_uri",
    "backchannel_logout_uri",
    "decision_events_uri",
]


@pytest.fixture
def closed(monkeypatch):
    """MOTLAN_OUTBOUND_ALLOW is empty, as it is where nobody set it."""
    shut = Outbound()
    monkeypatch.setattr(outbound, "get_json", shut.get_json)
    monkeypatch.setattr(outbound, "get_text", shut.get_text)
    monkeypatch.setattr(outbound, "post", shut.post)


@pytest.fixture
def inside():
    """Somebody inside, who remembers who came."""
    with listening(says(b'{"keys": []}')) as stranger:
        yield stranger


class TestAttacker:
    @pytest.mark.parametrize("url", [*INSIDE, "urn:example:request"])
    def test_a_request_by_reference_is_never_fetched(self, client, inside, url):
        """Case 37: though this app may reach its own machine, nobody's request leads it there."""
        sender = a_sender(client, procedures=["1.004222"])
        told = url.format(port=inside.port)

        asked = sender.ask(request_uri=told)
        posted = client.post("/authorize", data=sender.query(request_uri=told))

        for answer in (asked, posted):
            assert "error=request_uri_not_supported" in answer.headers.get("Location", "")
            assert quote(told, safe="") not in answer.location
        assert inside.connections == 0

    @pytest.mark.parametrize("member", ["request_uri", "jwks_uri", "logo_uri", "jku", "x5u"])
    def test_no_endpoint_visits_an_address_it_is_handed(self, client, inside, member):
        """Cases 25 and 37: parameters that nobody asked for."""
        office = an_office(client)
        url = f"http://127.0.0.1:{inside.port}/"

        for path in ("/token", "/introspect", "/revoke", "/userinfo", "/end-session", "/authorize"):
            form = {"grant_type": "client_credentials", "token": "t", member: url}
            answer = client.post(path, data=form, headers=office.played.basic())
            assert answer.status_code < 500

        assert inside.connections == 0

    @pytest.mark.parametrize("member", MEMBERS)
    @pytest.mark.parametrize("url", RUNS)
    def test_an_address_that_is_no_public_https_is_not_registered(self, member, url):
        """Case 38."""
        with pytest.raises(BadRegistrationError, match=member):
            register([registration(**{member: url})])

    def test_a_way_to_notify_that_is_not_built_is_not_registered(self):
        """Case 38: `client_notification_endpoint` comes with CIBA."""
        with pytest.raises(BadRegistrationError, match="client_notification_endpoint"):
            register([registration(client_notification_endpoint="https://127.0.0.1/")])

    @pytest.mark.usefixtures("closed")
    @pytest.mark.parametrize("url", [url for url in INSIDE if url.startswith("http")])
    def test_keys_are_fetched_from_no_private_place(self, inside, url, monkeypatch):
        """Case 38: `jwks_uri`, also one that got into the database by another way."""
        office = a_service_with_a_key(jwks=None, jwks_uri="https://public.motlan.test/jwks")
        known = registered.find(office.client_id)
        told = url.format(port=inside.port)
        monkeypatch.setattr(service_keys, "_fetched", service_keys._Fetched())

        with pytest.raises(OutboundRefused):
            outbound.get_json(told)
        assert service_keys._fetched.matching(known.id, told, is_wanted=bool) == ()

        assert inside.connections == 0

    @pytest.mark.usefixtures("closed")
    def test_a_service_with_keys_in_a_private_place_proves_nothing(self, inside):
        """Case 38, the whole way: the registration passes, the fetch does not."""
        uri = f"http://127.0.0.1:{inside.port}/jwks"
        office = a_service_with_a_key(jwks=None, jwks_uri=uri)

        with pytest.raises(InvalidClient):
            authenticate(office.assertion())

        assert inside.connections == 0

    @pytest.mark.usefixtures("closed")
    def test_a_sector_is_read_from_no_private_place(self, inside):
        """Case 38: `sector_identifier_uri` is fetched at registration."""
        told = registration(sector_identifier_uri=f"https://127.0.0.1:{inside.port}/")

        with pytest.raises(BadRegistrationError, match="sector_identifier_uri"):
            register([told])

        assert inside.connections == 0

    @pytest.mark.usefixtures("closed")
    def test_an_event_is_posted_to_no_private_place(self, app, inside):
        """Cases 38 and 66: the withdrawal stands; its news wait."""
        decision_id = _withdrawn(app.test_client(), f"http://127.0.0.1:{inside.port}/events")

        outbox.deliver()

        (told,) = outbox.progress(str(decision_id))
        assert (told.delivered_at, bool(told.last_error)) == (None, True)
        assert inside.connections == 0

    def test_an_event_is_not_handed_on_to_another_place(self, app, inside):
        """Case 66: the receiver answers 302, 307 or 308 to somewhere inside."""
        for status in (302, 307, 308):
            away = says(b"", status=status, Location=f"http://localhost:{inside.port}/")
            with listening(away) as stranger:
                decision_id = _withdrawn(
                    app.test_client(), f"http://127.0.0.1:{stranger.port}/events"
                )

                outbox.deliver()

                (told,) = outbox.progress(str(decision_id))
                assert told.delivered_at is None
                assert len(stranger.requests) == 1

        assert inside.connections == 0

    def test_an_event_says_when_and_which_so_that_a_replay_is_told(self, app):
        """Case 66: the signature covers body, time and a name of its own; a retry keeps it."""
        with listening(says(b"no", status=503)) as stranger:
            for _ in range(2):
                _withdrawn(app.test_client(), f"http://127.0.0.1:{stranger.port}/events")
            with time_machine.travel(clock.now(), tick=False):  # no second try is due meanwhile
                outbox.deliver()

        bodies = [body.decode() for _, _, _, body in stranger.requests]
        claims = [keys.read_signed(b, typ=keys.EVENT, algorithms=("ES256",)) for b in bodies]
        assert len({told["jti"] for told in claims}) == len(claims) == 2
        assert all({"iss", "aud", "iat", "jti", "events"} <= told.keys() for told in claims)
        head, body, signature = bodies[0].split(".")
        for forged in (f"{head}.{bodies[1].split('.')[1]}.{signature}", f"{head}.{body}."):
            with pytest.raises(InvalidToken):
                keys.read_signed(forged, typ=keys.EVENT, algorithms=("ES256",))

    @pytest.mark.parametrize(
        "kind",
        [
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "urn:ietf:params:oauth:grant-type:saml2-bearer",
            "urn:openid:params:grant-type:ciba",
            "urn:ietf:params:oauth:grant-type:device_code",
            "password",
            "implicit",
        ],
    )
    def test_no_token_is_exchanged_for_another(self, client, kind):
        """Cases 40 and 67: to whom it is not given, it is not half given, whatever is handed."""
        office = an_office(client)
        token = office.sign_in(lan())["access_token"]
        handed = {"subject_token": token, "assertion": token, "scope": "openid profile"}

        answer = office.post("/token", grant_type=kind, **handed)

        error = "unauthorized_client" if kind in grant_types.GRANTS else "unsupported_grant_type"
        assert (answer.status_code, answer.json["error"]) == (400, error)


def _withdrawn(client, uri):
    """A decision that its citizen has withdrawn, of a service that wants to hear of it there."""
    publish_catalogues()
    service = an_asking_service(decision_events_uri=uri)
    her = signed_in(client, lan())
    her.is_asked(service, detail("full_name")).allow()
    decision_id = her.decisions()[0].decision_id
    withdraw.withdraw(decision_id, by=her.session)
    return decision_id
