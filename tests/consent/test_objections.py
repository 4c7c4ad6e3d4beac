"""An objection: numbered, sealed, and the flow goes on (issue item 7)."""

import pytest

from consent.ledger import object as objections
from consent.ledger import records
from tests import exchange
from tests.deciding import LAW, an_asking_service, detail, signed_in, words
from tests.exchange import entries
from tests.people import lan, minh, submit

pytestmark = pytest.mark.usefixtures("app")
REASON = "Tôi không làm thủ tục này"


@pytest.fixture(scope="module", autouse=True)
def _catalogues(app):
    with app.app_context():
        exchange.publish_catalogues()


@pytest.fixture
def her(client):
    return signed_in(client, lan())


def test_an_objection_gets_a_number_and_the_request_goes_on(her):
    page = her.is_asked(an_asking_service(), detail("full_name", procedure=LAW, case="H-9"))

    told = submit(her.client, page.path + "/object", reason=REASON)

    (row,) = records.objections_of(her.person.citizen_id)
    assert row.number in words(told)
    assert (row.procedure, row.case) == (LAW, "H-9")
    assert page.allow().status_code == 303


def test_its_reason_is_sealed_and_never_in_the_log(her):
    """Invariants 4 and 8."""
    page = her.is_asked(an_asking_service(), detail("full_name"))
    submit(her.client, page.path + "/object", reason=REASON)

    (row,) = records.objections_of(her.person.citizen_id)
    assert REASON.encode() not in row.sealed_reason
    assert objections.reason_of(row) == REASON
    written = entries(her.person.citizen_id)[-1]
    assert (written.type, written.subject["objection"]) == ("objection:raised", row.number)
    assert REASON not in repr(written)


def test_a_decision_can_be_objected_to_later(her):
    her.is_asked(an_asking_service(), detail("full_name", procedure=LAW)).allow()
    (decision,) = her.decisions()

    submit(her.client, f"/my/consents/{decision.decision_id}/object", reason=REASON)

    (row,) = records.objections_of(her.person.citizen_id)
    assert (row.public_service_id, row.procedure) == (decision.public_service_id, LAW)
    assert row.number in words(her.client.get("/my"))


@pytest.mark.parametrize("reason", ["", "   ", "x" * 2_001])
def test_an_objection_says_what_is_wrong(her, reason):
    page = her.is_asked(an_asking_service(), detail("full_name"))

    told = submit(her.client, page.path + "/object", reason=reason)

    assert told.status_code == 400
    assert 'id="error"' in told.text
    assert not records.objections_of(her.person.citizen_id)


class TestAttacker:
    """Objections of others, and markup in a reason."""

    def test_nobody_objects_in_anothers_name(self, her, app):
        page = her.is_asked(an_asking_service(), detail("full_name"))
        him = signed_in(app.test_client(), minh())

        assert him.client.get(page.path + "/object").status_code == 404

    def test_markup_is_text(self, her):
        page = her.is_asked(an_asking_service(), detail("full_name"))

        told = submit(her.client, page.path + "/object", reason="<script>1</script>" * 200)

        assert told.status_code == 400
        assert "<script>" not in told.text
