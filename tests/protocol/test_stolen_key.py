"""A signing key was stolen: `keys remove`, and what it signed is worth nothing at any door."""

import shutil
import time
from dataclasses import replace

import jwt
import pytest

from identity import settings as settings_module
from identity.signing import keys
from tests.offices import a_decision, an_office
from tests.people import lan


@pytest.fixture
def own_secrets(app, settings, tmp_path):
    """Secrets of its own, so that a removal touches nobody else's."""
    _ = app
    shutil.copytree(settings.secrets, tmp_path / "secrets")
    settings_module.install(replace(settings, secrets=tmp_path / "secrets"))
    yield
    settings_module.install(settings)


def a_second_later(monkeypatch):
    late = time.monotonic() + 2
    monkeypatch.setattr("identity.signing.keys.time.monotonic", lambda: late)


def leads_on(client, hint):
    """Whether sign-out takes it: to the page that asks, or away as nobody is signed in."""
    return client.get("/end-session", query_string={"id_token_hint": hint}).status_code == 303


@pytest.mark.usefixtures("own_secrets")
def test_what_a_stolen_key_signed_opens_nothing_and_services_go_on(client, monkeypatch):
    """Access tokens, hints; the family stands, and gets tokens under the next key."""
    office = an_office(client)
    bought = office.sign_in(lan(), decisions=(a_decision(),))
    other = an_office(client, id_token_signed_response_alg="EdDSA").sign_in(lan())["id_token"]
    stolen = jwt.get_unverified_header(bought["access_token"])["kid"]
    assert leads_on(client, bought["id_token"])

    keys.remove(stolen)
    a_second_later(monkeypatch)

    assert stolen not in {key["kid"] for key in client.get("/jwks").json["keys"]}
    assert office.userinfo(bought["access_token"]).status_code == 401
    assert not office.is_active(bought["access_token"])
    bearer = {"Authorization": f"Bearer {bought['access_token']}"}
    assert client.post("/api/attributes", json={}, headers=bearer).status_code == 401
    for path in ("/end-session", "/authorize"):
        hint = {"id_token_hint": bought["id_token"]}
        assert client.get(path, query_string=hint).status_code == 400
    # Keys of other algorithms were not touched.
    assert leads_on(client, other)
    fresh = office.refresh(bought["refresh_token"]).json
    assert jwt.get_unverified_header(fresh["access_token"])["kid"] != stolen
    assert office.is_active(fresh["access_token"])
    assert leads_on(client, fresh["id_token"])


class TestAttacker:
    @pytest.mark.usefixtures("own_secrets")
    def test_who_has_the_key_signs_in_vain(self, client, monkeypatch):
        """A token that the thief makes after the removal, with everything right but the key."""
        office = an_office(client)
        good = office.sign_in(lan(), decisions=(a_decision(),))["access_token"]
        header = jwt.get_unverified_header(good)
        folder = settings_module.current().secrets / keys.FOLDER
        private = (folder / f"{header['kid']}.pem").read_bytes()

        keys.remove(header["kid"])
        a_second_later(monkeypatch)

        said = jwt.decode(good, options={"verify_signature": False})
        forged = jwt.encode(said, private, "ES256", headers={"kid": header["kid"], "typ": "at+jwt"})
        assert office.userinfo(forged).status_code == 401
        assert not office.is_active(forged)
