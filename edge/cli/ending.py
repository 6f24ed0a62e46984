"""How a command ends: whatever goes wrong becomes one line on stderr and an exit code, for both programs.

Python leaves with 1 after an exception, and Typer after some, and 1 means that a connector failed. So nothing gets
past `Commands`, and what nobody foresaw leaves with 70.
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
from edge.errors import FerruleError, OutputError, UsageError, reason_of

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
    """The last line of defence: an exception in the block is given to `caught`, and ends nothing else.

    What is meant to end a command passes: an interrupt, `typer.Exit`, an output that fails.
    """
    try:
        yield
    except (typer.Exit, BrokenPipeError, OutputError):
        raise
    except Exception as error:  # noqa: BLE001 - the one place: uncaught it would leave with 1, a good connector booked as bad
        caught(error)


class Unforeseen:
    """The internal errors of a command that went on with the next picture.

    Attributes:
        first: the first of them.
    """

    def __init__(self) -> None:
        self.first: Exception | None = None

    def problem(self, error: Exception) -> str:
        """What went wrong with one picture, in a sentence; an exception that nobody foresaw is remembered."""
        if isinstance(error, FerruleError):
            return str(error)
        if _out_of_memory(error):
            return "not enough memory for this picture; end other programs, or scale it down"
        self.first = self.first or error
        return f"internal error ({_brief(error)})"

    def finish(self) -> int:
        """Tells how to report the first one; returns 70, or 0 where there was none."""
        return tell_internal_error(self.first) if self.first is not None else 0


def tell_internal_error(error: BaseException) -> int:
    """One sentence, then what a developer needs to see; returns 70."""
    import traceback

    console = Console()
    console.error(f"internal error ({_brief(error)}): {HOW_TO_REPORT}")
    console.lines("".join(traceback.format_exception(error)))
    return EXIT_INTERNAL


class Commands(TyperGroup):
    """The commands of a program, which always ends with a documented exit code and never with a traceback alone."""

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Runs the command that the arguments name, and leaves."""
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
        """As Typer does it, but no exception is taken for a 1, nor is what is wrong with Typer's own options."""
        with _past_typer():
            try:
                return super().make_context(*args, **kwargs)
            except typer.Exit as end:  # --show-completion where no shell is around it leaves with 1
                raise typer.Exit(UsageError.exit_code if end.exit_code == 1 else end.exit_code) from end

    def invoke(self, ctx: Any) -> Any:
        """As Typer does it, but no exception is taken for a 1."""
        with _past_typer():
            return super().invoke(ctx)


class _PastTyper(Exception):  # noqa: N818 - not an error of its own, it carries one
    """Carries an exception past Typer, which would leave with 1 for it, or without a word."""

    def __init__(self, carried: BaseException) -> None:
        super().__init__()
        self.carried = carried


@contextlib.contextmanager
def _past_typer() -> Iterator[None]:
    try:
        yield
    except (BrokenPipeError, EOFError, KeyboardInterrupt) as error:
        raise _PastTyper(error) from error
    except SystemExit as error:  # no command of ours leaves so: Rich does, with 1, when its reader has enough
        if not error.code:
            raise
        raise _PastTyper(error.__context__ or error) from error


def _told(error: BaseException) -> int:
    """The exit code of an exception, once it has been said."""
    if isinstance(error, _PastTyper):
        return _told(error.carried)
    if isinstance(error, FerruleError):
        Console().error(str(error))
        return error.exit_code
    if isinstance(error, typer.Exit):
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        # Whoever read our output has enough; what is still buffered would fail again at exit.
        discard(sys.stdout)
        return EXIT_BROKEN_PIPE
    if isinstance(error, KeyboardInterrupt):
        Console().error("interrupted")
        return EXIT_INTERRUPTED
    if isinstance(error, OSError) and _is_typers(error):
        # While it said what is wrong with the options, on stderr: they are still wrong.
        told = getattr(error.__context__, "exit_code", None)
        return told if isinstance(told, int) else _told(unwritable(error))
    return tell_internal_error(error)


def _is_typers(error: BaseException) -> bool:
    """Whether Typer itself failed to write: the help, the version, what is wrong with the options."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__"))
    return module.split(".")[0] in ("typer", "click", "rich")


def _flushed(code: int) -> int:
    """The exit code, once all that was printed is out; 5 where a verdict could not get out."""
    failure = _flush(sys.stdout)
    _flush(sys.stderr)
    if failure is None or code not in (0, 1, EXIT_LOST):
        return code
    return _told(failure if isinstance(failure, BrokenPipeError) else unwritable(failure))


def _flush(stream: TextIO) -> Exception | None:
    """Why the stream cannot be written; None where all of it is out."""
    try:
        stream.flush()
    except (OSError, ValueError) as error:
        discard(stream)
        return error
    return None


def _occupy_standard_streams() -> None:
    """Takes the place of standard streams that are closed, or the next file that is opened would be one of them.

    The stand-in can only be read, so that writing fails as it does for a closed stream.
    """
    # A new file gets the lowest number that is free: those below 3 stay, the first above is given back.
    while (fd := os.open(os.devnull, os.O_RDONLY)) < 3:
        pass
    os.close(fd)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8", closefd=False))


def _out_of_memory(error: Exception) -> bool:
    """Whether Python or OpenCV (`cv2.Error.StsNoMem`, which is -4) found no memory."""
    return isinstance(error, MemoryError) or (type(error).__module__ == "cv2" and getattr(error, "code", None) == -4)


def _brief(error: BaseException) -> str:
    """`IndexError: list index out of range`, on one line and no longer than that."""
    text = printable(reason_of(error) if isinstance(error, OSError) else str(error))
    text = text if len(text) <= 200 else f"{text[:197]}..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
