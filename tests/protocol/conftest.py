"""Who is played in several files: somebody with a phone, a counter, a television."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.backchannel import Desk, a_desk
from tests.devices import Television, a_television
from tests.exchange import publish_catalogues
from tests.offices import Office, an_office
from tests.people import Somebody, lan, sign_in
from tests.proving import Holder


@pytest.fixture(scope="module")
def catalogues(app: Flask) -> Flask:
    """The country knows procedures and attributes."""
    publish_catalogues()
    return app


@pytest.fixture
def desk(app: Flask) -> Desk:
    """A counter's system, in a browser of its own."""
    return a_desk(app)


@pytest.fixture
def television(app: Flask) -> Television:
    """A screen without keys."""
    return a_television(app)


@pytest.fixture
def office(client: FlaskClient) -> Office:
    """A public service with a citizen's browser."""
    return an_office(client)


@pytest.fixture
def holder(client: FlaskClient) -> Holder:
    """A public service with a key of its own."""
    return Holder(client)


@pytest.fixture
def person() -> Somebody:
    """Nobody has met her before."""
    return lan()


@pytest.fixture
def phone(client: FlaskClient, person: Somebody) -> FlaskClient:
    """Hers, and she has signed in."""
    sign_in(client, person)
    return client
