"""What a command prints: JSON to stdout, lines for people, errors to stderr, each on one line."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TextIO, TypeVar

from edge.errors import OutputError, reason_of

Item = TypeVar("Item")

_COLOURS = {"PASS": "32", "FAIL": "31", "UNREADABLE": "33", "ok": "32", "refused": "31", "error": "31"}


def printable(text: str) -> str:
    """The text on one line, with control characters and lone surrogates escaped: a file's name may hold anything."""
    visible = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
    return visible.encode("utf-8", "backslashreplace").decode()


def own_version() -> str:
    """Version of the installed ferrule."""
    import importlib.metadata  # here, because it slows down the start

    try:
        return importlib.metadata.version("ferrule")
    except importlib.metadata.PackageNotFoundError:
        return "unknown (run from a checkout, not installed)"


class Console:
    """Where a command prints to.

    What cannot be written to stdout is an error. What cannot be written to stderr is dropped: the exit code and
    stdout hold all that a program needs, and a service may have no stderr.

    Args:
        as_json: stdout is for JSON only, and lines for people go to stderr.
        quiet: print nothing for people but errors.
        goes_on: when stdout fails, say so once and remember it, instead of raising.

    Attributes:
        stdout_lost: whether something that belongs on stdout could not be written.
    """

    def __init__(self, as_json: bool = False, quiet: bool = False, goes_on: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.stdout_lost = False
        self._goes_on = goes_on

    def emit(self, value: Any) -> None:
        """Prints one JSON object on one line, at once.

        Raises:
            OutputError: stdout cannot be written, and `goes_on` was not asked for.
        """
        # ASCII only: a file name that is no UTF-8 stays valid JSON, whatever the terminal's encoding.
        self._result(json.dumps(value, allow_nan=False))

    def say(self, text: str, status: str = "") -> None:
        """Prints a line for people, after the status in its colour; nothing with `quiet`.

        Raises:
            OutputError: as `emit`, where people read stdout.
        """
        if self.quiet:
            return
        stream = sys.stderr if self.as_json else sys.stdout
        line = f"{_coloured(status, stream)}{' ' * (12 - len(status)) if status else ''}{printable(text)}"
        if self.as_json:
            _write_if_possible(line)
        else:
            self._result(line)

    def aside(self, text: str) -> None:
        """Prints a line for people to stderr even without JSON, apart from the results; nothing with `quiet`."""
        if not self.quiet:
            _write_if_possible(printable(text))

    def paragraph(self, text: str) -> None:
        """Prints several lines for people."""
        for line in text.splitlines():
            self.say(line)

    def error(self, message: str) -> None:
        """Prints an error on one line of stderr, also with `quiet`."""
        _write_if_possible(f"ferrule: {printable(message)}")

    def lines(self, text: str) -> None:
        """Prints several lines to stderr, also with `quiet`: what a developer needs to see."""
        for line in text.splitlines():
            _write_if_possible(printable(line))

    def counts(self, counts: Mapping[str, int]) -> None:
        """Prints for people how often each thing occurred."""
        for what, n in counts.items():
            self.say(f"{n} x {what}")

    def _result(self, line: str) -> None:
        """Prints a line to stdout."""
        if self.stdout_lost:
            return
        try:
            _write(sys.stdout, line)
        except BrokenPipeError:  # the reader has closed the pipe: no error
            raise
        except (OSError, ValueError) as error:
            discard(sys.stdout)
            self.stdout_lost = True
            problem = unwritable(error)
            if not self._goes_on:
                raise problem from error
            self.error(str(problem))

    def track(self, items: Iterable[Item], n_items: int, what: str) -> Iterator[Item]:
        """The items, with a progress bar on stderr while they are consumed, where a person is watching."""
        if n_items < 2 or self.quiet or not sys.stderr.isatty():
            yield from items
            return
        from rich.console import Console as Terminal
        from rich.progress import Progress

        # The bar writes to a descriptor of its own, apart from `sys.stderr`, which Rich replaces meanwhile.
        # Lines that go to this terminal meanwhile are printed above the bar.
        with os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding=sys.stderr.encoding) as own:
            terminal = Terminal(file=own, soft_wrap=True)
            with Progress(console=terminal, transient=True, redirect_stdout=sys.stdout.isatty()) as progress:
                yield from progress.track(items, n_items, description=what)


def _write(stream: TextIO, line: str) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()


def _write_if_possible(line: str) -> None:
    """Writes a line to stderr; drops it where that fails."""
    try:
        _write(sys.stderr, line)
    except (OSError, ValueError):
        discard(sys.stderr)


def discard(stream: TextIO) -> None:
    """Sends what a failed stream still holds, and what follows, to the null device: it would fail again at exit."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()


def unwritable(error: Exception) -> OutputError:
    """The error for a stdout that failed."""
    return OutputError(f"stdout cannot be written: {reason_of(error)}; free some room, or send the output elsewhere")


def _coloured(status: str, stream: TextIO) -> str:
    colour = _COLOURS.get(status)
    if colour is None or not stream.isatty() or "NO_COLOR" in os.environ:
        return status
    return f"\033[{colour}m{status}\033[0m"


class Oddities(logging.Handler):
    """Counts what the library logs as odd but harmless, by kind."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.counts: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Counts one record."""
        self.counts[str(record.msg)] += 1


@contextlib.contextmanager
def oddities() -> Iterator[Oddities]:
    """Counts, while the block runs, what `edge` logs."""
    logger, handler = logging.getLogger("edge"), Oddities()
    level, propagate = logger.level, logger.propagate
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield handler
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate
