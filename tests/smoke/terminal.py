"""The seqlab command at a terminal, where somebody types."""

import codecs
import contextlib
import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

PATIENCE = 120  # seconds that a terminal is waited for
CTRL_C, CTRL_D = "\x03", "\x04"


class Terminal:
    """A seqlab command at a terminal.

    Args:
        folder: in which it runs.
        words: of the command.
    """

    def __init__(self, folder: Path, *words: str) -> None:
        self.master, slave = pty.openpty()
        self.said = ""
        self._place = 0  # after what was waited for last
        self._decoder = codecs.getincrementaldecoder("utf-8")()  # a read may end inside a letter
        self.process = subprocess.Popen(
            [sys.executable, "-m", "seqlab", *words],
            cwd=folder,
            env={**os.environ, "TERM": "dumb", "OMP_NUM_THREADS": "1"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_take_the_terminal,
        )
        os.close(slave)

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def wait_for(self, text: str) -> None:
        """Read until a text comes after what was waited for before; both may come in one read."""
        deadline = time.monotonic() + PATIENCE
        while (found := self.said.find(text, self._place)) < 0:
            assert time.monotonic() < deadline, self.said
            self.hear()
        self._place = found + len(text)

    def end(self) -> int:
        """The exit status, once all is said."""
        deadline = time.monotonic() + PATIENCE
        with contextlib.suppress(OSError):  # the other side is closed
            while True:
                assert time.monotonic() < deadline, self.said
                self.hear()
        return self.process.wait(timeout=PATIENCE)

    def hear(self) -> None:
        """Read what is said within a second."""
        if select.select([self.master], [], [], 1.0)[0]:
            self.said += self._decoder.decode(os.read(self.master, 4096))

    def close(self) -> None:
        """End the command, if it has not ended."""
        self.process.kill()
        os.close(self.master)


def _take_the_terminal() -> None:
    """Make Ctrl-C a signal, also where a job in the background has left it ignored."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
