"""Signed requests by reference, RFC 9101 §5.2 and §10.4; OIDC Core §6.2."""

import base64
import hashlib
import time

import pytest

from identity.requested import references
from tests.asking import answered, signed_in
from tests.people import lan
from tests.request_objects import a_signer, error_of, new_key
from tests.strangers import listening, says

pytestmark = pytest.mark.usefixtures("app")


class Notebook:
    """Where a service keeps an object, and how often it was read."""

    def __init__(self, stranger, said):
        self.stranger, self._said = stranger, said

    @property
    def address(self):
        return f"http://127.0.0.1:{self.stranger.port}/r"

    @property
    def read(self):
        return len(self.stranger.requests)

    def holds(self, text):
        self._said["text"] = text.encode()


@pytest.fixture
def notebook():
    said = {"text": b""}

    def reply(handler):
        says(said["text"])(handler)

    references.forget()
    with listening(reply) as stranger:
        yield Notebook(stranger, said)


def digest_of(text):
    raw = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_an_object_is_read_where_it_was_registered(client, notebook):
    """RFC 9101 §5.2: by reference; fetched once."""
    office = a_signer(client, request_uris=[notebook.address])
    notebook.holds(office.sign())
    signed_in(client, lan())

    told = answered(office.bring(None, request_uri=notebook.address))

    assert told["state"] == office.state
    assert "code" in told
    assert notebook.read == 1


def test_what_is_known_by_its_digest_is_not_fetched_again(client, notebook):
    """OIDC Core §6.2: the fragment is the SHA-256 of what is there."""
    office = a_signer(client, request_uris=[notebook.address])
    text = office.sign()
    notebook.holds(text)
    uri = f"{notebook.address}#{digest_of(text)}"
    signed_in(client, lan())

    for _ in range(3):
        assert "code" in answered(office.bring(None, request_uri=uri))

    assert notebook.read == 1


def test_another_fragment_is_a_name_and_nothing_is_kept_under_it(client, notebook):
    """The Dynamic plan's is the digest of nothing: it is made before the object is."""
    uri = f"{notebook.address}#{digest_of('another text')}"
    office = a_signer(client, request_uris=[uri])
    signed_in(client, lan())

    for _ in range(2):
        notebook.holds(office.sign())
        assert "code" in answered(office.bring(None, request_uri=uri))
    notebook.holds(office.sign(key=new_key()))

    assert error_of(office.ask(request_uri=uri)) == "invalid_request_object"
    assert notebook.read == 3


def test_what_is_fetched_now_needs_no_times(client, notebook):
    """The Dynamic plan's objects by reference say neither `nbf` nor `exp`."""
    office = a_signer(client, request_uris=[notebook.address])
    notebook.holds(office.sign(nbf=None, exp=None, header={"typ": None}))
    signed_in(client, lan())

    assert "code" in answered(office.bring(None, request_uri=notebook.address))


def test_what_is_fetched_now_and_says_when_it_began_lasts_an_hour(client, notebook):
    """FAPI 2.0 Message Signing §5.3.1: also where no end is said."""
    office = a_signer(client, request_uris=[notebook.address])
    signed_in(client, lan())

    notebook.holds(office.sign(nbf=int(time.time()) - 3590, exp=None))
    assert "code" in answered(office.bring(None, request_uri=notebook.address))
    notebook.holds(office.sign(nbf=int(time.time()) - 3610, exp=None))
    assert error_of(office.ask(request_uri=notebook.address)) == "invalid_request_object"


class TestAttacker:
    """Whoever would have us knock at a door, or read there what the service did not write."""

    def test_nothing_is_fetched_that_is_not_registered(self, client, notebook):
        """Security case 37: the listener sees nothing."""
        there = notebook.address
        office = a_signer(client, request_uris=[there])
        inside = ("https://169.254.169.254/r", "file:///etc/passwd", "gopher://127.0.0.1:1/")
        near = (there + "/other", there + "?x=1", there + "/../r", there + "#" + "A" * 600)

        for uri in (*inside, *near):
            assert error_of(office.ask(request_uri=uri)) == "invalid_request_uri", uri
        assert notebook.read == 0

    def test_what_is_there_is_not_what_was_promised(self, client, notebook):
        """RFC 9101 §7: an unsigned one; another's; a page."""
        office = a_signer(client, request_uris=[notebook.address])
        uri = notebook.address

        for text, error in (
            (office.sign(key=new_key()), "invalid_request_object"),
            (office.sign(exp=int(time.time()) - 1), "invalid_request_object"),
            ("<html>", "invalid_request_object"),
            ("\u00e9", "invalid_request_uri"),
        ):
            notebook.holds(text)
            assert error_of(office.ask(request_uri=uri)) == error

    def test_no_more_is_kept_than_there_is_room_for(self, client):
        """A service may make as many objects as it likes, each under its own digest."""
        mine = a_signer(client).service.id
        references.forget()  # what other tests fetched
        for n in range(references.MOST_KEPT + 1):
            references._kept.keep(mine, f"https://a.test/r#{n}", text="an object")

        assert len(references._kept._texts) == 1
        references.forget()

    def test_a_place_that_leads_on_or_fails_is_not_followed(self, client):
        """Security case 37: a 302 to somewhere inside."""
        with listening(says(b"")) as inside:
            away = says(b"", status=302, Location=f"http://localhost:{inside.port}/")
            with listening(away) as stranger:
                uri = f"http://127.0.0.1:{stranger.port}/r"
                office = a_signer(client, request_uris=[uri])
                assert error_of(office.ask(request_uri=uri)) == "invalid_request_uri"

        assert inside.connections == 0

    def test_a_crowd_at_a_slow_place_keeps_nobody_waiting(self, client, monkeypatch, notebook):
        """Whoever is sent here while all fetches are busy is told so."""
        office = a_signer(client, request_uris=[notebook.address])
        monkeypatch.setattr(references, "WAIT_SECONDS", 0.0)
        for _ in range(references.MOST_AT_ONCE):
            assert references._fetching.acquire(blocking=False)
        try:
            assert error_of(office.ask(request_uri=notebook.address)) == "invalid_request_uri"
        finally:
            for _ in range(references.MOST_AT_ONCE):
                references._fetching.release()
        assert notebook.read == 0
