"""The operational log: one JSON object a line, with what it belongs to, and nobody's data."""

import errno
import io
import json
import os
import threading
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

import pytest
import structlog

from identity import doors, oplog, settings, worker
from identity.joining import Duty
from tests.answering import Answering
from tests.public_services import a_service_with_a_key

pytestmark = pytest.mark.usefixtures("app")
log = structlog.get_logger("tests")


@pytest.fixture
def lines():
    """What was logged since it was asked last."""
    written = io.StringIO()

    def told():
        found = [json.loads(line) for line in written.getvalue().splitlines()]
        written.truncate(written.seek(0))
        return found

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(oplog.sys, "stderr", written)
        oplog.configure(settings.current())
    yield told
    oplog.configure(settings.current())


def test_a_line_of_a_request_has_the_id_that_the_caller_was_told(client, lines):
    answer = client.get("/api/none-of-that")

    (line,) = [each for each in lines() if each["event"] == "refused"]

    assert line["request"] == answer.headers["X-Request-Id"]
    assert {"level", "timestamp", "slug"} <= line.keys()


def test_an_id_is_told_whole_and_what_is_no_id_is_not():
    """One id in some hundreds has twelve decimal digits in a row."""
    an_id, number = "01a202618011779d8a7ba58eff4403a0", "097188004217"

    told = oplog.redact(None, "", {"request": an_id, "turn": number, "slug": an_id})

    assert told["request"] == an_id
    assert number not in told["turn"]
    assert "202618011779" not in told["slug"]


def test_two_requests_have_two_ids(client, lines):
    for _ in range(2):
        client.get("/api/none-of-that")

    assert len({line["request"] for line in lines()}) == 2


def test_the_lines_of_one_turn_of_the_worker_belong_together(lines):
    def fails():
        log.warning("on the way")
        raise KeyError("mine")

    for _ in range(2):
        worker._do(Duty("tried", timedelta(0), fails), is_told=True)

    told = lines()
    assert [line["event"] for line in told] == ["on the way", "duty failed"] * 2
    assert told[0]["turn"] == told[1]["turn"] != told[2]["turn"] == told[3]["turn"]
    assert "request" not in told[0]


def test_a_service_that_did_not_prove_itself_is_told_of_once(app, lines):
    """The loop reads the proof, and the thread that writes the entry reads it again."""
    service = a_service_with_a_key()
    host = urlsplit(settings.current().issuer).netloc
    with Answering(app, settings.current()) as server:
        for _ in range(3):  # the first finds nothing of the service in memory, and begins there
            form = service.assertion(aud="https://elsewhere.example")
            body = urlencode({"grant_type": "client_credentials"} | form)
            head = f"POST /token HTTP/1.1\r\nHost: {host}\r\nContent-Type: {doors.FORM}\r\n"
            said = f"{head}Content-Length: {len(body)}\r\n\r\n{body}"
            assert server.answer(said.encode()).status == 401

    told = [line for line in lines() if line["event"] == "not proven"]
    assert [line["why"] for line in told] == ["client assertion: aud"] * 3


def test_a_full_disk_is_told_as_such(lines):
    """The system's words hold nobody's data; where the file lies is left out."""

    def fails():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere/log-head")

    worker._do(Duty("tried", timedelta(0), fails), is_told=True)

    (told,) = lines()
    assert (told["kind"], told["why"]) == ("OSError", "No space left on device")
    assert "somewhere" not in json.dumps(told)


def test_threads_do_not_share_what_they_do(lines):
    oplog.begin("request", "mine")
    other = threading.Thread(target=lambda: log.warning("from another"))
    other.start()
    other.join()
    log.warning("from here")

    told = {line["event"]: line for line in lines()}
    assert told["from here"]["request"] == "mine"
    assert "request" not in told["from another"]


class TestAttacker:
    @pytest.mark.parametrize(
        "name",
        [
            "password",
            "client_secret",
            "access_token",
            "one_time_code",
            "cookie",
            "client_assertion",
        ],
    )
    def test_what_is_secret_by_its_name_is_not_written(self, lines, name):
        log.warning("tried", **{name: "hunter2"})

        (line,) = lines()
        assert line[name] == "[redacted]"

    def test_a_personal_number_is_not_written(self, lines):
        log.warning("tried", note="who is 097188000001?")

        (line,) = lines()
        assert line["note"] == "who is [number]?"

    def test_a_line_cannot_be_forged(self, lines):
        """Neither by what is logged nor by a route that fails."""
        log.warning("tried", note='x\n{"event": "forged"}\x1b[2J')
        doors.accident(RuntimeError('\n{"event": "forged"}'), "r-1")

        told = lines()
        assert [line["event"] for line in told] == ["tried", "unexpected"]
        assert told[1]["reference"] == "r-1"

    def test_what_an_exception_says_is_not_written(self, lines):
        doors.accident(RuntimeError("097188000001 Sen nở tháng sáu"), "r-2")

        (line,) = lines()
        assert "Sen" not in json.dumps(line, ensure_ascii=False)
