"""How a command ends, in both programs: whatever goes wrong becomes one line on stderr and an exit code.

Exit code 1 means that a connector failed; but Python exits with 1 after any uncaught exception, and Typer after some.
So `Commands` catches every exception, and exits with 70 for those that nobody foresaw.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TextIO

import typer
from typer.core import TyperGroup

from edge.cli.console import Console, discard, printable, unwritable
from edge.errors import FerruleError, OutputError, UsageError, is_out_of_memory, reason_of

EXIT_LOST = 3
EXIT_OUTPUT = OutputError.exit_code
EXIT_INTERNAL = 70  # EX_SOFTWARE of sysexits.h
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
EXIT_BROKEN_PIPE = 141  # 128 + SIGPIPE

HOW_TO_REPORT = (
    "a fault of Ferrule, not of yours; please report it with the command, what `ferrule doctor --json` prints, "
    "and the lines that follow"
)


@contextlib.contextmanager
def defended(caught: Callable[[Exception], None]) -> Iterator[None]:
    """The last line of defence: an exception in the block is given to `caught`, and the program goes on.

    What is meant to end a command passes through: an interrupt, `typer.Exit`, an output that fails.
    """
    try:
        yield
    except (typer.Exit, BrokenPipeError, OutputError):
        raise
    except Exception as error:  # noqa: BLE001 - the one place: uncaught it would leave with 1, a good connector booked as bad
        caught(error)


class Unforeseen:
    """Remembers the first internal error of a command that goes on with the next picture.

    Attributes:
        first: that error; None so far.
    """

    def __init__(self) -> None:
        self.first: Exception | None = None

    def problem(self, error: Exception) -> str:
        """What went wrong with one picture, as a sentence; remembers the exception if nobody foresaw it."""
        if isinstance(error, FerruleError):
            return str(error)
        if is_out_of_memory(error):
            return "not enough memory for this picture; end other programs, or scale it down"
        self.first = self.first or error
        return f"internal error ({_brief(error)})"

    def finish(self) -> int:
        """Says how to report the error that is remembered; returns 70, or 0 if there was none."""
        return tell_internal_error(self.first) if self.first is not None else 0


def tell_internal_error(error: BaseException) -> int:
    """Prints what happened and how to report it, then the traceback; returns 70."""
    import traceback

    console = Console()
    console.error(f"internal error ({_brief(error)}): {HOW_TO_REPORT}")
    console.lines("".join(traceback.format_exception(error)))
    return EXIT_INTERNAL


class Commands(TyperGroup):
    """The commands of a program; it always ends with a documented exit code, and never with a bare traceback."""

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Runs the command that the arguments name, and exits."""
        _occupy_standard_streams()
        code = 0

        def caught(error: Exception) -> None:
            nonlocal code
            code = _told(error)

        try:
            with defended(caught):
                super().main(*args, **kwargs)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else EXIT_INTERNAL
        except (BrokenPipeError, KeyboardInterrupt, OutputError, typer.Exit) as error:
            code = _told(error)
        sys.exit(_flushed(code))

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """As Typer does it, but neither an exception nor a wrong use of Typer's own options exits with 1."""
        with _past_typer():
            try:
                return super().make_context(*args, **kwargs)
            except typer.Exit as end:  # --show-completion outside a shell exits with 1
                raise typer.Exit(UsageError.exit_code if end.exit_code == 1 else end.exit_code) from end

    def invoke(self, ctx: Any) -> Any:
        """As Typer does it, but no exception exits with 1."""
        with _past_typer():
            return super().invoke(ctx)


class _PastTyper(Exception):  # noqa: N818 - no error itself, it carries one
    """Carries an exception through Typer, which would exit with 1 for it, or without a message."""

    def __init__(self, carried: BaseException) -> None:
        super().__init__()
        self.carried = carried


@contextlib.contextmanager
def _past_typer() -> Iterator[None]:
    """Wraps those exceptions of the block that Typer or Rich would turn into an exit code of their own."""
    try:
        yield
    except (BrokenPipeError, EOFError, KeyboardInterrupt) as error:
        raise _PastTyper(error) from error
    except SystemExit as error:  # not ours: Rich exits with 1 when its reader closes the pipe
        if not error.code:
            raise
        raise _PastTyper(error.__context__ or error) from error


def _told(error: BaseException) -> int:
    """Prints the message of an exception, and returns its exit code."""
    if isinstance(error, _PastTyper):
        return _told(error.carried)
    if isinstance(error, FerruleError):
        Console().error(str(error))
        return error.exit_code
    if isinstance(error, typer.Exit):
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        # The reader has closed the pipe; what is still buffered would fail again at exit.
        discard(sys.stdout)
        return EXIT_BROKEN_PIPE
    if isinstance(error, KeyboardInterrupt):
        Console().error("interrupted")
        return EXIT_INTERRUPTED
    if isinstance(error, OSError) and _is_typers(error):
        # If it failed while printing what is wrong with the options, its exit code is still the one for that.
        told = getattr(error.__context__, "exit_code", None)
        return told if isinstance(told, int) else _told(unwritable(error))
    return tell_internal_error(error)


def _is_typers(error: BaseException) -> bool:
    """Whether it was Typer that failed to write: the help, the version, or what is wrong with the options."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__"))
    return module.split(".")[0] in ("typer", "click", "rich")


def _flushed(code: int) -> int:
    """Flushes what was printed, and returns the exit code: 5 instead of a verdict's if stdout could not be written."""
    failure = _flush(sys.stdout)
    _flush(sys.stderr)
    if failure is None or code not in (0, 1, EXIT_LOST):
        return code
    return _told(failure if isinstance(failure, BrokenPipeError) else unwritable(failure))


def _flush(stream: TextIO) -> Exception | None:
    """Why the stream could not be flushed; None if it could."""
    try:
        stream.flush()
    except (OSError, ValueError) as error:
        discard(stream)
        return error
    return None


def _occupy_standard_streams() -> None:
    """Opens the null device for standard streams that are closed; else the next file opened would get their number.

    It is opened for reading only, so that writing fails as it does for a closed stream.
    """
    # A new file gets the lowest free number: those below 3 stay open, the first above is closed again.
    while (fd := os.open(os.devnull, os.O_RDONLY)) < 3:
        pass
    os.close(fd)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8", closefd=False))


def _brief(error: BaseException) -> str:
    """Type and message, such as `IndexError: list index out of range`, on one line; the message is cut at 200."""
    text = printable(reason_of(error) if isinstance(error, OSError) else str(error))
    text = text if len(text) <= 200 else f"{text[:197]}..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
