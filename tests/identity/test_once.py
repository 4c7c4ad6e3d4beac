"""What a request works out once, and nobody else waits for it."""

import threading

from identity.once import once


class Slow:
    """Something whose value comes when somebody says so."""

    def __init__(self, ready: threading.Event) -> None:
        self.ready = ready
        self.asked = 0

    @once
    def value(self) -> int:
        """How often it was worked out."""
        self.asked += 1
        assert self.ready.wait(10)
        return self.asked


def test_it_is_worked_out_once():
    ready = threading.Event()
    ready.set()
    thing = Slow(ready)

    assert (thing.value, thing.value) == (1, 1)


def test_nobody_waits_for_the_value_of_another():
    """A slow body is the matter of who sends it."""
    ready, other = threading.Event(), threading.Event()
    other.set()
    slow = Slow(ready)
    waiting = threading.Thread(target=lambda: slow.value)
    waiting.start()

    assert Slow(other).value == 1

    ready.set()
    waiting.join(10)
    assert slow.asked == 1
