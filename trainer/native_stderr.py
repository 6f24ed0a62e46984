"""What TensorFlow writes to the process's stderr, caught instead of shown.

TensorFlow and its converter report by printing. Some of it is worth knowing, none of it is worth drowning in. File
descriptor 2 belongs to the whole process, so this is for the trainer's own process; nothing in `edge` does it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator

# File descriptor 2 belongs to the whole process, so only one thread may redirect it at a time.
_ONE_AT_A_TIME = threading.Lock()


@contextlib.contextmanager
def caught_stderr() -> Iterator[list[str]]:
    """A list that holds, after the block, the lines written to file descriptor 2 inside it.

    Lines of other threads may be among them: whoever catches passes on, with `pass_on`, what is not its library's.
    """
    lines: list[str] = []
    with _ONE_AT_A_TIME, tempfile.TemporaryFile() as caught:
        if sys.stderr is not None:
            sys.stderr.flush()
        try:
            before = os.dup(2)
        except OSError:  # a service may run with stderr closed
            before = None
        os.dup2(caught.fileno(), 2)
        try:
            yield lines
        finally:
            if before is None:
                os.close(2)
            else:
                os.dup2(before, 2)
                os.close(before)
            caught.seek(0)
            lines += caught.read().decode(errors="replace").splitlines()


def pass_on(lines: Iterable[str]) -> None:
    """Writes lines that were caught to stderr after all; nothing where the process has none."""
    text = "".join(f"{line}\n" for line in lines)
    if text:
        with contextlib.suppress(OSError):
            os.write(2, text.encode())
