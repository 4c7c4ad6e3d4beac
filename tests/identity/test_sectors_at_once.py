"""Documents of sectors: whoever names slow ones does not keep us from everybody else."""

import threading

import pytest
from marshmallow import ValidationError

from identity.registration import sectors

TOLD = {"sector_identifier_uri": "https://slow.motlan.test/list", "redirect_uris": []}


def test_only_so_many_are_fetched_at_once(monkeypatch):
    """The others hear at once that they should come again; afterwards there is room."""
    begun, end = threading.Semaphore(0), threading.Event()

    def slow(_uri):
        begun.release()
        end.wait()
        return []

    monkeypatch.setattr("identity.outbound.get_json", slow)
    monkeypatch.setattr(sectors, "WAIT_SECONDS", 0)
    threads = [
        threading.Thread(target=sectors.check_document, args=(TOLD,))
        for _ in range(sectors.MOST_AT_ONCE)
    ]
    for thread in threads:
        thread.start()
        begun.acquire()

    with pytest.raises(ValidationError, match="try again"):
        sectors.check_document(TOLD)
    end.set()
    for thread in threads:
        thread.join()

    sectors.check_document(TOLD)
