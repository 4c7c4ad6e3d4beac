"""`/healthz`, `/readyz`, `/api/openapi.json` and `/docs`: what an operator and a developer read."""

from datetime import timedelta

import pytest
from markupsafe import escape
from sqlalchemy import delete

from identity import clock, database, health, openapi, worker
from identity.database import new_id, transaction
from identity.granted import approval
from identity.granted.approval import Asked, Detail, RefuseAll, Refused

pytestmark = pytest.mark.usefixtures("app")
DUTIES = (worker.PROBE, "sequencer", "heads")


@pytest.fixture
def working():
    """The worker has just done everything that answers wait for."""
    worker.probe()
    with transaction():
        for duty in DUTIES[1:]:
            worker.mark(duty, "")


def later(monkeypatch, seconds):
    at = clock.now() + timedelta(seconds=seconds)
    monkeypatch.setattr(clock, "now", lambda: at)


def test_a_process_that_answers_is_alive(client):
    """It looks at nothing else."""
    assert client.get("/healthz").json == {"status": "alive"}


@pytest.mark.usefixtures("working")
def test_it_is_ready_while_the_worker_proves_the_log(client):
    """The contract: database, keys, log written and read back, sequencer."""
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json["status"]) == (200, "ready")
    assert {"keys", "log", "sequencer", "heads"} <= answer.json["checks"].keys()


@pytest.mark.usefixtures("working")
def test_a_page_may_say_what_the_balancer_is_told(client):
    """The officers' desk shows a dead worker by the same words."""
    assert health.standing() == client.get("/readyz").json["checks"]


@pytest.mark.parametrize(
    ("check", "breaks"),
    [
        ("keys", lambda patch: patch.setattr(health, "signing_keys", _fails)),
        ("log", lambda _patch: _forget(worker.PROBE)),
        ("sequencer", lambda _patch: _forget("sequencer")),
        ("heads", lambda _patch: _forget("heads")),
    ],
)
@pytest.mark.usefixtures("working")
def test_each_thing_that_is_missing_is_named_alone(client, monkeypatch, check, breaks):
    """The contract's clauses, one by one: keys, log written and read back, sequencer, heads."""
    breaks(monkeypatch)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert [name for name, word in answer.json["checks"].items() if word != "ok"] == [check]


def _fails():
    raise OSError("no key")


def _forget(duty):
    with transaction():
        database.write(delete(worker.WorkerState).where(worker.WorkerState.duty == duty))


@pytest.mark.usefixtures("working")
def test_a_worker_that_is_five_seconds_late_makes_it_not_ready(client, monkeypatch):
    """Sequencer lag under 5 s."""
    later(monkeypatch, 6)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json["status"]) == (503, "not ready")
    assert "s ago" in answer.json["checks"]["sequencer"]


def test_whatever_fails_is_named_without_its_words(client, monkeypatch):
    """An exception may hold what is nobody's business."""

    def broken(_duty):
        raise OSError("/a/private/path")

    monkeypatch.setattr(health.worker, "last", broken)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert "private" not in answer.text


def test_every_documented_door_is_described(app, client):
    """One table: what is served is what is described."""
    described = client.get("/api/openapi.json").json

    assert described["openapi"].startswith("3.1")
    for door in openapi.documented(app):
        path = openapi._PARAMETER.sub(r"{\1}", door.path)
        assert door.method.lower() in described["paths"][path]


def test_each_answer_a_door_states_is_described(client):
    """And the refusals that every door of its kind may give."""
    paths = client.get("/api/openapi.json").json["paths"]
    release = paths["/api/attributes"]["post"]

    assert {"200", "400", "401", "403", "413", "415", "503"} <= release["responses"].keys()
    assert release["security"] == [{"accessToken": []}]
    assert paths["/token"]["post"]["security"] == [{"clientSecret": []}, {}]  # or in the form
    assert paths["/jwks"]["get"]["security"] == []


def test_the_description_can_be_read_by_people(app, client):
    """A page without script, with every door on it."""
    page = client.get("/docs").text

    assert "<script" not in page
    for door in openapi.documented(app):
        assert str(escape(f"{door.method} {door.path}")) in page


def test_what_an_error_means_can_be_read_by_people(app, client):
    """RFC 6749 §5.2: `error_uri` is a web page, and leads to the place about that error."""
    refused = client.post("/token", data={"grant_type": "password"}).json
    page, _, place = refused["error_uri"].partition("#")

    read = client.get(page)

    assert (read.status_code, read.mimetype) == (200, "text/html")
    assert f'<section id="{place}"' in read.text
    assert f"<code>{refused['error']}</code>" in read.text
    told = {
        kind.slug
        for one in openapi.documented(app)
        for k in openapi.refusals(one).values()
        for kind in k
    }
    assert [slug for slug in told if read.text.count(f' id="{slug}"') != 1] == []


def test_without_consent_every_approval_is_refused():
    """Design §1: identity asks through one Protocol, and with nothing joined the answer is no."""
    alone = RefuseAll()
    detail = Detail("1.004222", None, "HS-1")

    with pytest.raises(Refused):
        alone.check((detail,), frozenset({"openid"}), of=frozenset({"1.004222"}))
    with pytest.raises(Refused):
        alone.check((), frozenset({"openid", "profile"}), of=frozenset())
    with pytest.raises(Refused):
        alone.review(_asked(detail))
    assert alone.userinfo(frozenset({"name"})) == ()


def test_nothing_joined_means_refuse_all():
    """Taking the ledger away leaves the refusal, not a hole."""
    joined = approval.asked()
    try:
        approval.join(None)
        assert isinstance(approval.asked(), RefuseAll)
    finally:
        approval.join(joined)


def _asked(detail):
    return Asked(
        request_id=None,
        citizen_id=new_id(),
        actor_id=new_id(),
        account_level=2,
        auth_level=2,
        public_service_id=new_id(),
        procedures=frozenset({"1.004222"}),
        scopes=frozenset({"openid"}),
        details=(detail,),
        must_ask=False,
        outcome=None,
    )
