"""`/metrics`: one scrape tells of the whole server, and no label holds what a caller sent."""

import re
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from identity import clock, meters, outbox, worker
from identity.citizens import passwords
from identity.database import new_id, transaction
from identity.errors import family
from identity.joining import Measure, joined
from identity.operations import metrics, standing
from identity.public_services import registered
from tests.public_services import a_service
from tests.serving import Serving, free_port

pytestmark = pytest.mark.usefixtures("app")
A_NUMBER = "097188999001"
NAMES = {
    *("motlan_requests", "motlan_request_seconds", "motlan_refusals", "motlan_turned_away"),
    *("motlan_passwords", "motlan_database_up", "motlan_duty_age_seconds"),
    *("motlan_duty_behind_seconds", "motlan_outbox_messages", "motlan_outbox_age_seconds"),
    *("motlan_log_entries", "motlan_log_head_age_seconds"),
}
WORD = re.compile(r"[a-z_]{1,40}|[1-5]\d\d|[A-Z]{3,7}|\+Inf|\d+\.\d+|")
ROUTE = re.compile(r"/[a-z/._-]*(<[a-z_]+(:[a-z_]+)?>[a-z/._-]*)*|\{[a-z_]+\}|other")


def told(name: str, **labels: str) -> float | None:
    """One number as the database says it now."""
    for metric in standing.measured():
        for sample in metric.samples:
            if sample.name == name and sample.labels == labels:
                return float(sample.value)
    return None


def counted(metric: Any, **labels: str) -> float:
    (value,) = [s.value for s in metric.collect()[0].samples
                if s.labels == labels and not s.name.endswith("_created")]  # fmt: skip
    return float(value)


def read(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def test_a_dead_worker_is_seen_to_grow_old(monkeypatch):
    worker.probe()
    assert told("motlan_duty_age_seconds", duty=worker.PROBE) < 5

    at = clock.now() + timedelta(minutes=2)
    monkeypatch.setattr(clock, "now", lambda: at)

    assert told("motlan_duty_age_seconds", duty=worker.PROBE) >= 115


def test_what_waits_to_leave_is_counted_with_its_age(monkeypatch):
    before = told("motlan_outbox_messages", state="waiting")
    service = registered.find(a_service().client_id)
    with transaction():
        for target in ("https://there.motlan.test/", None):
            outbox.put("tried", service.id, reference=new_id().hex, target=target, body={})
    at = clock.now() + timedelta(minutes=3)
    monkeypatch.setattr(clock, "now", lambda: at)

    assert told("motlan_outbox_messages", state="waiting") == before + 1  # kept for polling: not
    assert told("motlan_outbox_messages", state="given_up") is not None
    assert told("motlan_outbox_age_seconds") >= 175


def test_what_a_half_brings_is_measured(monkeypatch):
    brought = [Measure("a_number", "Something", lambda: 7.0), Measure("none", "", lambda: None)]
    monkeypatch.setattr(joined(), "measures", brought)

    assert told("motlan_a_number") == 7
    assert told("motlan_none") is None


def test_a_database_that_is_away_takes_nothing_else_along(monkeypatch, tmp_path):
    """And one that hangs holds up no scrape."""

    def fails():
        raise OSError(A_NUMBER)

    monkeypatch.setattr(standing, "measured", fails)

    (family_,) = standing.Standing().collect()

    assert family_.samples[0].value == 0
    assert [m.name for m in metrics.registry(tmp_path).collect()] == ["motlan_database_up"]


def test_a_refusal_is_counted_by_its_name(client):
    before = counted(meters.REFUSALS.labels("not-found"))

    client.get("/api/none-of-that")

    assert counted(meters.REFUSALS.labels("not-found")) == before + 1


def test_every_slug_is_a_label_of_ours():
    assert all(re.fullmatch(r"[a-z-]{1,40}", kind.slug) for kind in family())


def of_route(route):
    """What a scrape says of a route: how many, how long together, and how many in each bucket."""
    meters.tell()
    told = [s for s in meters.DURATION.collect()[0].samples if s.labels.get("route") == route]
    bucket = {s.labels["le"]: s.value for s in told if s.name.endswith("_bucket")}
    (total,) = [s.value for s in told if s.name.endswith("_sum")]
    return counted(meters.REQUESTS.labels(route, "GET", "200")), total, bucket


def test_what_is_told_together_is_what_each_alone_would_have_been():
    for seconds in (0.004, 0.005, 0.2, 70.0):
        meters.answered(("/told/together", "GET", 200), seconds)
        meters.DURATION.labels("/told/alone").observe(seconds)
        meters.REQUESTS.labels("/told/alone", "GET", "200").inc()

    assert of_route("/told/together") == of_route("/told/alone")
    assert of_route("/told/together")[0] == 4  # and not told twice


def test_nothing_is_lost_between_threads_that_count_and_the_one_that_tells():
    def count():
        for _ in range(500):
            meters.answered(("/told/at/once", "GET", 200), 0.001)

    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit(count) for _ in range(4)]
        while not all(one.done() for one in done):
            meters.tell()

    assert of_route("/told/at/once")[0] == 2_000


def test_hashing_is_seen_while_it_lasts(monkeypatch):
    seen = []
    hasher = passwords._current()

    class Looking:
        def hash(self, password):
            seen.append((meters.HASHING._value.get(), meters.QUEUED._value.get()))
            return hasher.hash(password)

    monkeypatch.setattr(passwords, "_current", Looking)

    passwords.hash_password("Sen nở tháng sáu")

    assert seen == [(1, 0)]
    assert meters.HASHING._value.get() == 0


@pytest.mark.postgresql
def test_the_pool_is_told():
    meters.look()

    states = {s.labels["state"] for s in meters.CONNECTIONS.collect()[0].samples}
    assert states == {"free", "used", "waiting"}


def test_numbers_of_a_process_that_ended_are_taken_out(tmp_path):
    """A gauge of somebody who died would stand for ever."""
    gone, here = tmp_path / "gauge_livesum_4194303.db", tmp_path / "gauge_livesum_1.db"
    for path in (gone, here):
        path.write_bytes(bytes(4096))
    kept = tmp_path / "counter_4194303.db"
    kept.write_bytes(bytes(4096))

    list(metrics.Living(tmp_path).collect())

    assert (gone.exists(), here.exists(), kept.exists()) == (False, True, True)


@pytest.mark.slow
class TestAttacker:
    """Somebody who writes into every request what should not come out at the other end."""

    @pytest.fixture
    def scraped(self, databases, tmp_path: Path) -> dict[str, Any]:
        port = free_port()
        served = Serving(
            databases,
            databases.copy(),
            tmp_path / "home",
            MOTLAN_METRICS_BIND=f"127.0.0.1:{port}",
            MOTLAN_PROCESSES="2" if databases.server else "1",
        )
        try:
            served.start()
            for path in ("/jwks", f"/my/consents/{A_NUMBER}", f"/{A_NUMBER}", "/userinfo",
                         f"/consent/{A_NUMBER}?q={A_NUMBER}"):  # fmt: skip
                served.status(path)
            served.until(lambda: served.status("/readyz") == 200)
            assert served.status("/metrics") == 404  # a listener of its own
            # Each process tells once a second what it answered.
            served.until(lambda: "motlan_request_seconds_bucket" in read(port))
            text = read(port)
        finally:
            served.clear()
        assert A_NUMBER not in text
        return {each.name: each for each in text_string_to_metric_families(text)}

    def test_one_scrape_has_everything_and_nothing_of_a_caller(self, scraped, databases):
        """Design §2.8; each label is a route template, a state, a slug, a duty or a number."""
        wanted = NAMES | ({"motlan_database_connections"} if databases.server else set())
        assert wanted - set(scraped) == {"motlan_log_entries", "motlan_log_head_age_seconds"}
        for metric in scraped.values():
            for sample in metric.samples:
                for label, value in sample.labels.items():
                    shape = ROUTE if label == "route" else WORD
                    assert shape.fullmatch(value.replace("-", "_") if label == "slug" else value), (
                        f"{sample.name} {label}"
                    )
        up = scraped["motlan_database_up"].samples[0].value
        probes = [s.value for s in scraped["motlan_duty_age_seconds"].samples
                  if s.labels["duty"] == worker.PROBE]  # fmt: skip
        assert up == 1
        assert probes
        assert probes[0] < 10
