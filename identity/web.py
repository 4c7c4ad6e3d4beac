"""One web process around `wsgi:app`, on the socket that the supervisor opened; it ends with it."""

import importlib
import os
import signal
import socket
import sys
import threading
import time
from typing import Any

from identity import meters, settings, worker
from identity.server import serving
from identity.settings import Settings
from identity.signing import keys

# Said by the supervisor to each of its children: the process id they must not outlive.
SUPERVISOR = "MOTLAN_SUPERVISOR"
WATCH_SECONDS = 0.25


def main() -> None:
    """Answer whoever connects to the socket of this number, until told to stop."""
    end_with_supervisor()
    chosen, number = settings.read(), int(sys.argv[1])
    if chosen.server == "gunicorn":
        _gunicorn(chosen, number)
    else:
        serving.run(socket.socket(fileno=number), _load(), chosen=chosen)


def end_with_supervisor() -> None:
    """A child of `motlan serve` leaves Ctrl-C to its supervisor and never outlives it.

    An orphan would go on answering on the port. Started by hand, there is nobody to outlive.
    """
    supervisor = settings.environment().get(SUPERVISOR)
    if supervisor is None:
        return
    # Blocked, not ignored: the server sets a handler of its own, and two of them race.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    threading.Thread(
        target=_watch, args=(int(supervisor),), name="parent-watch", daemon=True
    ).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(1)


def _load() -> Any:  # noqa: ANN401 - a WSGI application
    """The application, in a fresh web process."""
    application = importlib.import_module("wsgi").app
    keys.watch()
    if settings.current().metrics_bind is not None:
        meters.watch()
    if not settings.current().is_postgresql:
        # The only web process is the worker too; it stops where the process stops, like a kill.
        never = threading.Event()
        threading.Thread(
            target=worker.run_forever, args=(never,), name="worker", daemon=True
        ).start()
    return application


def _gunicorn(chosen: Settings, number: int) -> None:
    base = importlib.import_module("gunicorn.app.base")

    class Server(base.BaseApplication):  # type: ignore[name-defined, misc] # an extra, seen at run time
        def load_config(self) -> None:
            options = {
                "bind": f"fd://{number}",
                "workers": chosen.processes,
                "worker_class": "gthread",
                "threads": serving.threads(chosen),
                "graceful_timeout": serving.GRACE_SECONDS,
                "loglevel": "warning",
                "control_socket_disable": True,
            }
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> Any:  # noqa: ANN401 - a WSGI application
            return _load()

    Server().run()
