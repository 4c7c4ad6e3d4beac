"""The sample service, on the demo's own registrations, without a network."""

import importlib.util
import json
import sys
from types import ModuleType
from typing import Any

import pytest
from authlib.integrations.flask_client import FlaskOAuth2App
from flask.testing import FlaskClient

from consent.demo import files
from identity import settings
from identity.provider import discovery
from identity.signing import keys
from tests.databases import ROOT

EXAMPLES = ROOT / "examples"


def program(monkeypatch: pytest.MonkeyPatch, name: str) -> ModuleType:
    """An example as it is when somebody runs it: what lies beside it is found."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, made)  # its templates lie beside it
    spec.loader.exec_module(made)
    return made


class Sample:
    """The sample service as a browser and the provider meet it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch, self.fetched = monkeypatch, 0
        self.is_away = False  # the provider
        told = program(monkeypatch, "sample_service")
        procedures = [
            {"code": code, "name": code, "attributes_required": ["full_name"]}
            for code in told.ASKED
        ]
        demo = {
            "issuer": settings.current().issuer,
            "services": json.loads(files.services()),
            "procedures": procedures,
        }
        monkeypatch.setattr(FlaskOAuth2App, "fetch_jwk_set", lambda _, **__: self._keys())
        made = told.create_app(demo)
        for client_id, _ in told.ASKED.values():
            one = made.extensions["authlib.integrations.flask_client"].create_client(client_id)
            metadata = discovery.metadata(settings.current().issuer)
            one.server_metadata.update(metadata | {"_loaded_at": 1})
        self.app = made

    def browser(self) -> FlaskClient:
        """Somebody's."""
        return self.app.test_client()

    def _keys(self) -> Any:
        self.fetched += 1
        if self.is_away:
            raise ConnectionError
        return json.loads(keys.jwks())

    def sign_in(self, browser: FlaskClient, *, sub: str, sid: str, callback: str) -> None:
        """Authlib has checked this person's ID token, and nothing was decided."""
        token = {
            "access_token": "a",
            "id_token": f"the-id-token-of-{sid}",
            "userinfo": {"sub": sub, "sid": sid},
            "authorization_details": [],
        }
        with self._monkeypatch.context() as patch:
            patch.setattr(FlaskOAuth2App, "authorize_access_token", lambda _client: token)
            assert browser.get(callback).status_code == 302
