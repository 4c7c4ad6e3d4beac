"""Third-party initiated login, OpenID Connect Core §4: the citizen's list starts at a service."""

import json
import re
import runpy
import sys
from html import unescape
from unittest.mock import Mock
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from sqlalchemy import update

from consent.demo import files
from identity import database, settings
from identity.database import transaction
from identity.public_services import registered
from identity.public_services.records import PublicService
from tests.databases import ROOT
from tests.deciding import an_asking_service, detail, signed_in
from tests.exchange import publish_catalogues
from tests.people import lan
from tests.registering import a_registrar
from tests.sampling import Sample

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def her(client):
    publish_catalogues()
    return signed_in(client, lan())


@pytest.fixture
def sample(monkeypatch):
    """A browser at the sample service."""
    return Sample(monkeypatch).browser()


def link_on_her_list(her, service):
    """Where the list of decisions leads for this service; null: nowhere."""
    her.is_asked(service, detail("full_name")).allow()
    page = her.client.get("/my/consents").text
    found = re.search(r'<a id="start-[^"]+" href="([^"]+)" rel="noreferrer">([^<]+)<', page)
    return found and (unescape(found[1]), found[2])


def test_the_list_starts_at_the_service_and_says_who_sends(her):
    """§4: `iss`, and the page the service calls its own; nothing about the person."""
    service = an_asking_service(
        initiate_login_uri="https://a.motlan.test/begin?from=vn",
        client_uri="https://a.motlan.test/",
    )

    address, words = link_on_her_list(her, service)

    assert address.startswith("https://a.motlan.test/begin?from=vn&")
    assert dict(parse_qsl(urlsplit(address).query)) == {
        "from": "vn",
        "iss": settings.current().issuer,
        "target_link_uri": "https://a.motlan.test/",
    }
    assert words == "Mở Cơ quan thuế"


def test_a_service_that_registered_no_beginning_has_no_link(her):
    assert link_on_her_list(her, an_asking_service()) is None


def test_nobody_is_sent_to_a_service_that_has_ended(her):
    service = an_asking_service(initiate_login_uri="https://a.motlan.test/begin")
    assert link_on_her_list(her, service)
    with transaction():
        mine = PublicService.client_id == service.client_id
        database.write(update(PublicService).where(mine).values(is_active=False))
    registered.forget()

    page = her.client.get("/my/consents").text

    assert "start-" not in page
    assert "Hệ thống khai thác đã ngừng" in page


@pytest.mark.parametrize("how", ["GET", "POST"])
def test_the_sample_service_is_started_that_way(sample, how):
    """§4: GET and POST, and back to us with a request of its own."""
    told = {"iss": settings.current().issuer, "target_link_uri": "https://evil.test/"}
    sent = {"query_string": told} if how == "GET" else {"data": told}

    begun = sample.open("/initiate", method=how, **sent)

    asked = sample.get(begun.location)
    assert (begun.status_code, begun.location) == (303, "/start/1.004222")
    assert asked.location.startswith(settings.current().issuer + "/authorize?")
    query = parse_qs(urlsplit(asked.location).query)
    assert (query["client_id"], query["scope"]) == (["commune-police"], ["openid"])


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_the_sample_service_listens_where_it_is_told(monkeypatch, tmp_path, host):
    """`MOTLAN_SAMPLE_BIND` has an IPv6 address in brackets, which no resolver knows."""
    told = {"issuer": "http://localhost", "services": json.loads(files.services())}
    (tmp_path / "demo.json").write_text(json.dumps(told | {"procedures": []}))
    place = f"[{host}]:8001" if ":" in host else f"{host}:8001"
    program = str(ROOT / "examples" / "sample_service.py")
    monkeypatch.setattr(sys, "argv", [program, str(tmp_path / "demo.json"), place])
    listening = Mock()
    monkeypatch.setattr("werkzeug.serving.make_server", listening)
    monkeypatch.syspath_prepend(str(ROOT / "examples"))

    runpy.run_path(program, run_name="__main__")

    assert listening.call_args.args[:2] == (host, 8001)


class TestAttacker:
    """Whoever wants a service to sign people in elsewhere, or to be our redirector."""

    def test_the_sample_service_is_started_by_nobody_else(self, sample):
        for told in ({}, {"iss": "https://evil.test"}):
            assert sample.get("/initiate", query_string=told).status_code == 400

    @pytest.mark.parametrize("uri", ["javascript:alert(1)", "http://a.motlan.test/", "data:x"])
    def test_a_beginning_is_an_address_like_any_other(self, client, uri):
        """§4: https; cases 5 and 38."""
        word, sentence = a_registrar(client).error(initiate_login_uri=uri)

        assert (word, sentence[:18]) == ("invalid_client_metadata", "initiate_login_uri")
