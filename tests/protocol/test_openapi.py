"""The description itself: valid OpenAPI 3.1, and drawn from the tables that the code reads."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from identity import errors, openapi
from identity.doors import FORM, Door
from identity.logout import rp_initiated
from identity.parameters import Parameters
from identity.provider.grant_types import GRANTS
from identity.public_services import credentials, registered
from identity.requested import wish
from tests.asking import a_sender
from tests.exchange import decision, give, publish_catalogues
from tests.offices import EVERY_GRANT, an_office
from tests.people import lan


@pytest.fixture
def described(client) -> dict[str, Any]:
    """The document as it is published."""
    answer = client.get("/api/openapi.json")
    assert answer.mimetype == "application/json"
    return answer.json


def parts(node: Any, key: str) -> Iterator[Any]:
    """Every value of a key, wherever it stands."""
    if isinstance(node, dict):
        if key in node:
            yield node[key]
        for value in node.values():
            yield from parts(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from parts(value, key)


def test_the_document_is_what_the_specification_says(described):
    """OpenAPI 3.1 has a schema of its own; each schema in it is one of JSON Schema 2020-12."""
    assert not [fault.message for fault in OPENAPI_31_VALIDATOR.iter_errors(described)]
    schemas = [*described["components"]["schemas"].values(), *parts(described["paths"], "schema")]
    for schema in schemas:
        jsonschema_rs.Draft202012Validator(schema | {"components": described["components"]})
    assert len(schemas) > 50


def test_nothing_is_referred_to_that_is_not_there(described):
    names = described["components"]["schemas"]
    referred = set(parts(described, "$ref"))

    assert {ref.removeprefix("#/components/schemas/") for ref in referred} <= names.keys()
    ids = list(parts(described["paths"], "operationId"))
    assert len(ids) == len(set(ids))


def test_each_example_is_one(described):
    """An example that its own schema refuses would be copied by somebody."""
    shapes = [
        shape
        for whole in (*parts(described["paths"], "properties"), *parts(described, "parameters"))
        for shape in (whole.values() if isinstance(whole, dict) else [p["schema"] for p in whole])
        if "examples" in shape
    ]

    for shape in shapes:
        for example in shape["examples"]:
            assert jsonschema_rs.is_valid(shape, example), shape
    assert len(shapes) > 10


def test_every_endpoint_of_the_protocol_tells_its_parameters(described):
    """Names, limits, what is required and the known words, from the tables of the code."""
    paths = described["paths"]
    asked = {row["name"]: row for row in paths["/authorize"]["get"]["parameters"]}
    forms = _schema(paths["/token"]["post"])["oneOf"]
    grants = {form["properties"]["grant_type"]["enum"][0]: form for form in forms}

    assert asked.keys() == wish.LIMITS.keys()
    assert {name: row["schema"]["maxLength"] for name, row in asked.items()} == wish.LIMITS
    # After a push the browser carries a reference and nothing else (RFC 9126 §4).
    assert [name for name, row in asked.items() if row["required"]] == ["client_id"]
    # Or all of them in one object (RFC 9126 §3), so that none is required here.
    assert {"response_type", "request"} < _schema(paths["/par"]["post"])["properties"].keys()
    assert asked["code_challenge_method"]["schema"]["enum"] == ["S256"]
    assert grants.keys() == GRANTS.keys()
    needed = ["grant_type", "code", "redirect_uri"]
    assert grants["authorization_code"]["required"] == needed
    assert "code_verifier" in grants["authorization_code"]["properties"]
    for path in ("/introspect", "/revoke"):
        form = _schema(paths[path]["post"])
        assert form["required"] == ["token"]
        assert {row.name for row in credentials.PARAMETERS} < form["properties"].keys()
    posted = _schema(paths["/end-session"]["post"])["properties"]
    assert posted.keys() == {row.name for row in rp_initiated.PARAMETERS}


def _schema(operation: dict[str, Any]) -> dict[str, Any]:
    return operation["requestBody"]["content"][FORM]["schema"]


def test_every_refusal_is_described_by_its_word_and_slug(app, described):
    for one in openapi.documented(app):
        responses = described["paths"][openapi.spelt(one)][one.method.lower()]["responses"]
        for status, kinds in openapi.refusals(one).items():
            told = responses[str(status)]["content"]
            if not isinstance(one, Door):
                assert "text/html" in told
                continue
            is_oauth = one.refusals is errors.tell
            media_type = "application/json" if is_oauth else "application/problem+json"
            shape = told[media_type]["schema"]["allOf"][1]["properties"]
            slugs = shape["error_uri" if is_oauth else "type"]["enum"]
            named = errors.page if is_oauth else errors.URN.__add__
            assert slugs == sorted(named(kind.slug) for kind in kinds)


def is_described(door):
    """The door of a sandbox that answers for people is on no description."""
    return door.is_documented


class TestOneSource:
    """A parameter that the code reads and the table lacks, or the other way, is a mistake."""

    @pytest.fixture
    def read(self, monkeypatch):
        """The names that were asked for since the test looked last."""
        names: set[str] = set()
        was = Parameters.one

        def noted(self, name):
            names.add(name)
            return was(self, name)

        monkeypatch.setattr(Parameters, "one", noted)
        return names

    def test_what_a_door_reads_is_what_it_describes(self, app, client, read):
        publish_catalogues()
        office = an_office(client, **EVERY_GRANT)
        given = give(lan(), office.played, decision("full_name"))
        bearer = {"Authorization": f"Bearer {given.token}"}
        looked_at = 0

        for door in filter(is_described, app.extensions["motlan.doors"].values()):
            for rows in door.form or ((),):
                sent = {row.name: _some(row) for row in rows if row.name not in NOT_BESIDE_A_HEADER}
                registered.forget()  # or its header would be believed without a look at the form
                read.clear()
                client.open(
                    door.path,
                    method=door.method,
                    data=urlencode(sent),
                    content_type=FORM,
                    headers=bearer if door.path in PERSONAL else office.played.basic(),
                )
                # A token in the address is looked for because it is refused.
                refused = set() if rows else {"access_token"}
                assert read - refused == {row.name for row in rows}, door.path
                looked_at += bool(rows)

        assert looked_at >= 6

    def test_what_is_too_long_for_authorize_is_told_by_name(self, client):
        sender = a_sender(client)

        for row in wish.PARAMETERS:
            query = sender.query() | {row.name: "x" * (row.longest + 1)}
            answer = client.get("/authorize", query_string=query)
            if row.name in {"client_id", "redirect_uri"}:
                assert answer.status_code == 400
                continue
            told = parse_qs(urlsplit(answer.location).query)
            assert told["error"] == ["invalid_request"]
            assert row.name in told["error_description"][0]
            assert told["error_description"][0].isascii()


PERSONAL = {"/userinfo", "/api/attributes"}
NOT_BESIDE_A_HEADER = {row.name for row in credentials.PARAMETERS} | {
    "access_token",
    "authorization_details",
}


def _some(row) -> str:
    return row.one_of[0] if row.one_of else row.example or "x"
