"""One server of web processes around `wsgi:app`; every one of them ends when its parent is gone."""

import importlib
import multiprocessing
import os
import resource
import signal
import socket
import threading
import time
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from identity import doors, front, meters, readings, settings, worker
from identity.settings import Settings

# Said by the supervisor to each of its children: the process id they must not outlive.
SUPERVISOR = "MOTLAN_SUPERVISOR"
WATCH_SECONDS = 0.25
GRACE_SECONDS = 8
# Connections a web process keeps open, whatever they do; others wait until one of them ends.
CONNECTIONS = 4_096
FILES_OF_OURS = 256
HEADER_SECONDS = 30
# Of one connection: what the edge takes of headers and address, and a little more.
HEAD_LIMIT = 64 * 1024


def main() -> None:
    """Serve until told to stop."""
    end_with_supervisor()
    chosen = settings.read()
    if chosen.server == "gunicorn":
        _gunicorn(chosen)
    else:
        _granian(chosen)


def end_with_supervisor() -> None:
    """A child of `motlan serve` leaves Ctrl-C to its supervisor and never outlives it.

    An orphan would go on answering on the port. Started by hand, there is nobody to outlive.
    """
    supervisor = settings.environment().get(SUPERVISOR)
    if supervisor is None:
        return
    # Blocked, not ignored: the server sets a handler of its own, and two of them race.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    _end_with(int(supervisor))


def _end_with(parent: int) -> None:
    threading.Thread(target=_watch, args=(parent,), name="parent-watch", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(1)


def _granian(chosen: Settings) -> None:
    host, port = readings.split(chosen.bind)
    server = Granian(
        "wsgi:app",
        address=_address(host, port),
        port=port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=chosen.processes,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEADER_SECONDS * 1000, max_buffer_size=HEAD_LIMIT
        ),
        backpressure=_make_room(CONNECTIONS),
        # Without it one killed worker ends the whole server.
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_SECONDS,
        log_level=LogLevels.error,
    )
    server.serve(target_loader=_load_in_worker, wrap_loader=False)


def _load_in_worker() -> Any:  # noqa: ANN401 - a WSGI application
    """The application behind its front; told to stop while it loads, the process stops.

    Until granian has set its handlers, those of its parent are inherited: they would swallow it.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    application, chosen = _load(), settings.current()
    return front.Front(
        application,
        threads=_threads(chosen),
        body_seconds=chosen.body_seconds,
        brief=doors.brief(application, asks_database=False),
    )


def _load() -> Any:  # noqa: ANN401 - a WSGI application
    """The application, in a fresh web process."""
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        _end_with(parent.pid)
    application = importlib.import_module("wsgi").app
    if settings.current().metrics_bind is not None:
        meters.watch()
    if not settings.current().is_postgresql:
        # The only web process is the worker too; it stops where the process stops, like a kill.
        never = threading.Event()
        threading.Thread(
            target=worker.run_forever, args=(never,), name="worker", daemon=True
        ).start()
    return application


def _make_room(connections: int) -> int:
    """So many connections a process, or as many as it may open files besides its own."""
    wanted = connections + FILES_OF_OURS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return max(soft - FILES_OF_OURS, soft // 2)
    return connections


def _threads(chosen: Settings) -> int:
    # More than the pool: some sign, seal or wait for Argon2 while others hold a connection.
    return chosen.pool_size * 2


def _address(host: str, port: int) -> str:
    """An address, as granian wants it, where an operator may have written a name."""
    return str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])


def _gunicorn(chosen: Settings) -> None:
    base = importlib.import_module("gunicorn.app.base")

    class Server(base.BaseApplication):  # type: ignore[name-defined, misc] # an extra, seen at run time
        def load_config(self) -> None:
            options = {
                "bind": chosen.bind,
                "workers": chosen.processes,
                "worker_class": "gthread",
                "threads": _threads(chosen),
                "graceful_timeout": GRACE_SECONDS,
                "loglevel": "warning",
                "control_socket_disable": True,
            }
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> Any:  # noqa: ANN401 - a WSGI application
            return _load()

    Server().run()
