"""The supervisor with real processes: it starts everything, and nothing outlives it (design §9)."""

import dataclasses
import functools
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from identity import children, listening, serve
from identity.children import Child
from identity.listening import PlaceTaken
from identity.server import serving as web
from tests.databases import Database, Databases
from tests.serving import Serving, free_port, runs

pytestmark = pytest.mark.slow


@pytest.fixture
def serving(databases: Databases, tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    made = []

    def make(**environ: str) -> Serving:
        usual = {"MOTLAN_PROCESSES": "1"}
        made.append(Serving(databases, databases.copy(), tmp_path / "home", **usual | environ))
        return made[-1]

    yield make
    for each in made:
        each.clear()


@pytest.mark.sqlite
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_ends_everything_it_started(serving, told):
    served = serving().start()
    everything = served.descendants()

    status = served.stop(told)

    assert status == 0
    assert everything
    assert not [pid for pid in everything if runs(pid)]
    assert served.status() is None


@pytest.mark.sqlite
def test_ctrl_c_in_a_terminal_reaches_the_whole_group_and_ends_it_once(serving):
    served = serving().start()

    os.killpg(served.process.pid, signal.SIGINT)

    assert served.process.wait(timeout=50) == 0
    assert "starts again" not in served.said()
    assert "Traceback" not in served.said()


def test_killed_it_leaves_no_orphan_that_answers(serving):
    """Orphans keep answering on the port otherwise: tried."""
    served = serving().start()
    everything = served.descendants()

    served.kill()

    served.until(lambda: served.status() is None)
    served.until(lambda: not [pid for pid in everything if runs(pid)])


@pytest.mark.sqlite
def test_killed_it_can_be_started_again_at_once(serving):
    served = serving().start()
    served.kill()

    served.start()

    assert served.status() is not None


@pytest.mark.sqlite
def test_who_connects_while_a_killed_web_process_is_replaced_waits_for_the_next(serving):
    """The supervisor holds the socket: nobody is refused in between."""
    served = serving().start()
    (victim,) = served.web_processes()

    os.kill(victim, signal.SIGKILL)
    served.until(lambda: not runs(victim))

    with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)) as waiting:
        waiting.request("GET", "/healthz", headers={"Host": served.issuer[7:]})
        assert waiting.getresponse().status == 200
    assert len(served.web_processes() - {victim}) == 1
    assert "web ended; it starts again in 0.5 s" in served.said()


@pytest.mark.sqlite
def test_told_to_stop_while_a_web_process_loads_it_stops_at_once(serving):
    served = serving().start()
    (victim,) = served.web_processes()
    os.kill(victim, signal.SIGKILL)
    served.until(lambda: served.web_processes() - {victim})
    told_at = time.monotonic()

    served.stop()

    assert time.monotonic() - told_at < web.GRACE_SECONDS - 1


@pytest.mark.postgresql
def test_a_killed_worker_is_started_again(serving):
    served = serving().start()
    served.until(served.worker)
    victim = served.worker()

    os.kill(victim, signal.SIGKILL)

    served.until(lambda: served.worker() not in {None, victim})


@pytest.mark.postgresql
def test_no_process_keeps_a_database_password_in_its_environment(serving):
    """The server copies the environment into each request (design §9); libpq reads a file."""
    served = serving().start()
    served.until(served.worker)

    environments = {pid: _environment(pid) for pid in served.descendants()}

    assert len(environments) >= 2
    for text in environments.values():
        assert "pass" not in text.replace("passfile", "").replace("PGPASSFILE", "")
    files = {file.name: file for file in (served.log.parent / "run").iterdir()}
    assert {file.stat().st_mode & 0o777 for file in files.values()} == {0o600}
    assert "owner" not in files["passfile-app"].read_text()
    assert "owner" in files["passfile-owner"].read_text()


@pytest.mark.postgresql
def test_as_many_web_processes_run_as_were_asked_for_and_all_of_them_stop(serving):
    served = serving(MOTLAN_PROCESSES="3").start()
    served.until(served.worker)
    everything = served.descendants()

    assert len(served.web_processes()) == 3
    assert served.stop() == 0
    assert not [pid for pid in everything if runs(pid)]


@pytest.mark.sqlite
def test_a_place_that_answers_is_refused_with_one_line(serving):
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        place = f"127.0.0.1:{other.getsockname()[1]}"
        served = serving(MOTLAN_BIND=place).start(wait=False)

        assert served.process.wait(timeout=50) == 1

    assert f"Error: {place} answers already" in served.said()
    assert "Traceback" not in served.said()


def test_a_database_without_tables_is_refused_with_one_line(databases: Databases, tmp_path: Path):
    served = Serving(databases, databases.empty(), tmp_path / "home").start(wait=False)

    assert served.process.wait(timeout=50) == 1
    assert served.said() == (
        "Error: the database lacks tables of this version: run `motlan db upgrade`\n"
    )


@pytest.mark.sqlite
def test_a_database_out_of_reach_is_refused_with_one_line(databases: Databases, tmp_path: Path):
    nowhere = Database(*[f"sqlite:///{tmp_path}/missing/motlan.db"] * 2)
    served = Serving(databases, nowhere, tmp_path / "home").start(wait=False)

    assert served.process.wait(timeout=50) == 1
    assert served.said().startswith("Error: the database cannot be reached: check MOTLAN_DATABASE")
    assert "Traceback" not in served.said()


def test_a_place_that_is_not_ours_is_refused():
    with pytest.raises(PlaceTaken, match="cannot listen on 192"):
        listening.require_free("192.0.2.1:8000")


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_a_place_is_taken_as_soon_as_we_listen(host):
    """Before anybody answers there: the next one who wants it is refused, who connects waits."""
    place = f"{host}:{free_port()}"
    with closing(listening.listen(place)) as listener:
        with closing(socket.create_connection(listener.getsockname()[:2])):
            listener.accept()[0].close()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(listening, "FREE_SECONDS", 0.0)
            with pytest.raises(PlaceTaken, match="answers already"):
                listening.listen(place)
    listening.require_free(place)


def test_a_server_that_never_answered_is_a_start_that_failed(settings, capsys):
    """Not something to start again for ever; the last of several web processes decides."""
    quick, slow = [
        Child("web", [sys.executable, "-c", program], {}, is_vital=True)
        for program in ("raise SystemExit(3)", "import time; time.sleep(0.3)")
    ]
    quick.start()
    slow.start()

    # The usual place may be somebody's: the country that `make run` shows beside the tests.
    nowhere = dataclasses.replace(settings, bind=f"127.0.0.1:{free_port()}")
    status = serve._supervise(nowhere, [quick, slow], stop=threading.Event())

    assert status == 1
    assert slow.has_ended()
    assert "web could not start" in capsys.readouterr().err


def test_a_second_ctrl_c_waits_for_nobody():
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('on'); time.sleep(60)"
    child = Child("web", [sys.executable, "-uc", deaf], {})
    hurry = threading.Event()
    read, write = os.pipe()
    with pytest.MonkeyPatch.context() as patch, closing(os.fdopen(read)) as said:
        start = subprocess.Popen
        patch.setattr(subprocess, "Popen", functools.partial(start, stdout=write))
        child.start()
        os.close(write)
        assert said.readline() == "on\n"
    hurry.set()
    began_at = time.monotonic()

    children.end([child], hurry=hurry)

    assert child.process.returncode == -signal.SIGKILL
    assert time.monotonic() - began_at < children.STOP_SECONDS / 2


def test_only_ctrl_c_after_a_first_word_is_a_hurry():
    """Who runs us may say SIGTERM twice and still wants everything to end well."""
    told = serve.Told()

    hurries = []
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
        told._note(number, None)
        hurries.append(told.hurry.is_set())

    assert hurries == [False, False, True]
    assert told.stop.is_set()


def test_what_keeps_ending_is_started_again_later_each_time(capsys, monkeypatch):
    monkeypatch.setattr(time, "monotonic", lambda: 7.0)
    child = Child("worker", [sys.executable, "-c", ""], {})
    waits = []
    for _ in range(9):
        child.start()
        child.process.wait()
        child.tend()
        waits.append(child.start_again_at - 7)

    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert child.process is None
    assert capsys.readouterr().err.startswith("worker ended; it starts again in 0.5 s\n")


@pytest.mark.sqlite
def test_gunicorn_serves_the_same(serving):
    served = serving(MOTLAN_SERVER="gunicorn").start()
    everything = served.descendants()

    served.kill()

    served.until(lambda: not [pid for pid in everything if runs(pid)])


def _environment(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_text()
