"""The operator's page: health, worker, messages, keys; nothing of a person, nothing to press."""

import uuid
from datetime import timedelta

import pytest
import time_machine

from identity import clock, outbox, worker
from identity.database import transaction
from identity.operations import overview
from identity.public_services import registered
from identity.staff.records import Role
from tests.markup import Markup
from tests.people import a_security_officer, sign_in_officer
from tests.public_services import a_service

HOME = "/operations"


@pytest.fixture
def theirs(client):
    sign_in_officer(client, a_security_officer(role=Role.OPERATOR))
    return client


def marked():
    """Every duty has just ended well."""
    with transaction():
        for duty in worker.duties():
            worker.mark(duty.name, "")


def row(page, key):
    (found,) = [one.words for one in page.all("tr") if key in one.words.split()]
    return found


def test_it_says_how_worker_outbox_and_keys_stand(theirs):
    marked()
    page = Markup(theirs.get(HOME).text)

    assert "Đúng nhịp" in row(page, "purge")
    assert "đang ký" in page.by_id("keys").words
    assert "Đang chờ gửi" in page.by_id("outbox").words
    assert {"keys", "log", "sequencer"} <= set(page.by_id("checks").words.split())


def test_a_dead_worker_is_seen(theirs):
    marked()
    late = clock.now() + timedelta(minutes=5)
    with time_machine.travel(late):
        page = Markup(theirs.get(HOME).text)

    assert "Quá lâu" in row(page, "sequencer")
    assert "motlan doctor" in page.by_id("not-well").words


def test_an_old_key_and_a_message_given_up_are_told(theirs, monkeypatch):
    monkeypatch.setattr(overview, "OLD", timedelta(0))
    monkeypatch.setattr(outbox, "standing", lambda: outbox.Standing(3, clock.now(), 2))

    page = Markup(theirs.get(HOME).text)

    assert "Nên thay" in page.by_id("keys").words
    assert "Cần xem" in page.by_id("outbox").words


def test_it_says_which_service_has_not_heard_of_what(theirs, monkeypatch):
    monkeypatch.setattr(overview, "MOST_SERVICES", 10_000)  # other tests have left messages
    name = f"Dịch vụ {uuid.uuid4().hex[:8]}"
    service = registered.find(a_service(**{"client_name#vi": name}).client_id)
    with transaction():
        for kind in ("session:ended", "decision:withdrawn"):
            outbox.put(kind, service.id, reference="r", target="https://x.test/", body={})

    table = Markup(theirs.get(HOME).text).by_id("unheard").words

    assert table.count(name) == 2
    assert "Báo đăng xuất" in table
    assert "Rút lại quyết định" in table


class TestAttacker:
    def test_there_is_nothing_to_press_and_no_secret_to_read(self, app, theirs):
        page = theirs.get(HOME)

        forms = [form["action"] for form in Markup(page.text).all("form")]
        assert forms == ["/staff/sign-out"]
        assert "PRIVATE" not in page.text
        assert str(app.config.get("SQLALCHEMY_DATABASE_URI")) not in page.text
        assert theirs.post(HOME).status_code == 405

    @pytest.mark.parametrize("role", [r for r in Role if r is not Role.OPERATOR], ids=str)
    def test_no_other_role_sees_it(self, client, role):
        sign_in_officer(client, a_security_officer(role=role))

        assert client.get(HOME).status_code == 403
