"""Being asked to stop: once politely, twice at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

STOPPING = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """The run was asked to stop and has saved what there was to save.

    No KeyboardInterrupt, of which Lightning makes a status of 1.
    """


class StopRequest:
    """Turns the first SIGINT or SIGTERM into a wish that is granted after the current batch.

    Outside the training loop, where nothing is lost, the first ends the run at once, as the second
    does everywhere.

    Attributes:
        received: whether a signal has come.
        patient: whether the first signal waits for the end of the batch.
    """

    def __init__(self) -> None:
        self.received = False
        self.patient = False

    def install(self) -> dict[signal.Signals, Any]:
        """Take the signals over; what handled them before. Only the main thread may."""
        if threading.current_thread() is not threading.main_thread():
            return {}
        return {number: signal.signal(number, self._receive) for number in STOPPING}

    @contextmanager
    def installed(self) -> Iterator["StopRequest"]:
        """Handle the signals inside the block."""
        before = self.install()
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        again, self.received = self.received, True
        if again or not self.patient:
            self.patient = False
            raise Interrupted(signal.Signals(number).name)


@contextmanager
def signals_as_ctrl_c() -> Iterator[None]:
    """Let SIGTERM and a closed terminal do inside the block what Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    kinds = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(kind, interrupt) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)
