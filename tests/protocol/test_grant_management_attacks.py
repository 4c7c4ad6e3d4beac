"""Strangers, other services and races at the grants of a service: Grant Management."""

import pytest
from sqlalchemy import select

from identity import database
from identity.database import transaction
from identity.granted.grants import DecisionEnded
from identity.granted.records import ServiceGrant, TokenFamily
from identity.managed.rewriting import GIVEN_BACK, Change, give_back, rewrite
from tests.deciding import signed_in
from tests.exchange import publish_catalogues
from tests.managing import (
    BOTH,
    LICENCE,
    an_office,
    at,
    created,
    decides,
    error,
    grant_of,
    merge,
    own_token,
    replacing,
)
from tests.offices import Office
from tests.people import lan, minh

pytestmark = pytest.mark.usefixtures("app")
A_WHILE = 0.3  # long enough for whoever is not held up


@pytest.fixture(scope="module", autouse=True)
def _catalogues(app):
    del app
    publish_catalogues()


@pytest.fixture
def her(client):
    return signed_in(client, lan())


@pytest.fixture
def office(her):
    return an_office(her.client)


class TestAttacker:
    @pytest.mark.parametrize("made", [merge, replacing])
    def test_a_change_touches_no_other_grant(self, her, office, made):
        """§5.2: neither of the same service nor of another one; and it leaves no third."""
        told = created(her, office)
        beside, elsewhere = created(her, office), created(her, an_office(her.client))

        decides(her, office, LICENCE, **made(told["grant_id"]))

        assert [grant_of(one).version for one in (beside, elsewhere)] == [1, 1]
        assert office.is_active(beside["access_token"])
        mine = ServiceGrant.public_service_id == office.service.id
        rows = database.rows(select(ServiceGrant.id, ServiceGrant.state).where(mine))
        alive = {row.id for row in rows if row.state == "active"}
        assert alive == {grant_of(told).id, grant_of(beside).id}

    @pytest.mark.parametrize("made", [merge, replacing])
    def test_what_was_given_back_is_not_added_to(self, her, office, made):
        """§5.4: as one that never was; the person is not even asked."""
        told = created(her, office)
        at(office, told["grant_id"], method="DELETE")

        assert error(office, **made(told["grant_id"])) == "invalid_grant_id"
        gone = Change(grant=grant_of(told), scope="openid", taken=(), is_replaced=False)
        with pytest.raises(DecisionEnded), transaction():
            rewrite(gone)

    def test_a_grant_is_given_back_once(self, her, office):
        """§6.5: who comes at the same moment hears that there is none; its family says why."""
        grant = grant_of(created(her, office))

        with transaction():
            done = [give_back(grant.citizen_id, grant.id) for _ in "ab"]

        assert done == [True, False]
        mine = TokenFamily.grant_id == grant.id
        (family,) = database.rows(select(TokenFamily.ended_by).where(mine))
        assert family.ended_by == GIVEN_BACK

    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    def test_another_services_grant_is_as_one_that_is_not_there(self, her, office, method):
        told, other = created(her, office), an_office(her.client)

        theirs = at(other, told["grant_id"], method=method)
        nobodys = at(other, told["grant_id"][:-4] + "AAAA", method=method)

        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json["error_description"] == nobodys.json["error_description"]
        assert office.is_active(told["access_token"])

    @pytest.mark.parametrize(
        "name", ["x", "<grant_id>", "A" * 10_000, "..%2f..%2fetc", "é", "'; --"]
    )
    def test_an_invented_name_is_not_found(self, office, name):
        assert at(office, name).status_code == 404

    def test_another_person_adds_nothing_to_a_grant(self, her, office, app):
        """A service sends the name of her grant along in somebody else's browser."""
        told, browser = created(her, office), app.test_client()
        signed_in(browser, minh())
        his = Office(browser, office.played)

        for made in (merge, replacing):
            assert error(his, **made(told["grant_id"])) == "invalid_grant_id"
        assert grant_of(told).version == 1

    def test_a_token_of_a_person_opens_no_grant(self, her, office):
        told = created(her, office)

        for token in (told["access_token"], told["id_token"], told["refresh_token"]):
            assert at(office, told["grant_id"], token=token).status_code in {401, 403}

    def test_a_revoked_token_looks_no_more(self, her, office):
        told, token = created(her, office), own_token(office)
        office.post("/revoke", token=token)

        answer = at(office, told["grant_id"], token=token)

        assert (answer.status_code, answer.json["error"]) == (401, "invalid_token")

    def test_the_scopes_are_nobodys_who_did_not_register_them(self, her):
        """§6.1: saying nothing registers every scope of persons, and none of these."""
        plain = an_office(her.client, scope=None)

        answer = plain.post("/token", grant_type="client_credentials", scope=BOTH)

        assert answer.json["error"] == "invalid_scope"
