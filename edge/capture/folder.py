"""The folder that captured patches wait in: PNG files to be moved by a person, and a line about each.

    DIR/unlabelled/<the model's answer>/<hash>.png   not labelled yet
    DIR/<label>/                                     where a person moves them to
    DIR/capture.jsonl                                what is known of each, see `edge.capture.sidecar`; only appended to

Several processes may add to one folder. A patch is written before its line: where a process dies between the two,
the next one that meets the patch writes the same file again, and the line.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture.sidecar import RECORDS, UNLABELLED, CaptureRecord, folder_name, parse_records
from edge.errors import OutputError, UsageError, reason_of
from edge.system.files import write_whole

Outcome = Literal["kept", "known", "over quota", "over budget"]

_NOTE = """\
Marks on fibre end faces that the model was not sure of, and a few others.

Move each picture from unlabelled/ into the folder of what it shows; clean/ is for no defect at all. Delete what nobody
can name: it is not captured again. Names of files do not matter, a patch is known by its pixels. Then:

    ferrule-train train --data {folder} --from {model} --out mine.keras
"""

_BLOCK_BYTES = 4096
"""What file systems keep files in: a small one takes a whole block."""

MAX_RECORDS_BYTES = 64_000_000
"""What is known of some 60,000 patches, more than anybody labels; all of it is read at the start."""

_LOCK_S = 5.0


class CaptureFolder:
    """What lies in a folder of captured patches, and room for more.

    Args:
        path: the folder; `prepare` makes it.
        budget_bytes: that everything in it may take, in whole blocks of 4 KiB a file.
        quota: patches that may wait for a label, for each of the model's answers.

    Attributes:
        path: the folder.
        used_bytes: what everything in it takes, in whole blocks, as far as is known.
        n_damaged: lines of `capture.jsonl` that cannot be read.
    """

    def __init__(self, path: Path, budget_bytes: int, quota: int) -> None:
        self.path = path
        self.used_bytes = 0
        self.n_damaged = 0
        self._budget_bytes = budget_bytes
        self._quota = quota
        self._known: set[str] = set()
        self._waiting: Counter[str] = Counter()
        self._n_read = 0  # bytes of capture.jsonl that are known

    def prepare(self, labels: Sequence[str], model: str) -> None:
        """Makes the folder with one for each label, and looks at what lies there.

        Args:
            labels: the model's; those that cannot be names of folders get none.
            model: what training goes on from, for the note that says how to label.

        Raises:
            UsageError: it cannot be made, read or written to.
        """
        try:
            (self.path / UNLABELLED).mkdir(parents=True, exist_ok=True)
            for label in labels:
                if folder_name(label) == label:
                    (self.path / label).mkdir(exist_ok=True)
            note = self.path / "README.txt"
            with self._locked() as records:
                # within the lock, or another process would count a file that is half written
                if not note.exists():
                    note_text = _NOTE.format(folder=self.path.name, model=model)
                    write_whole(note, note_text.encode(errors="backslashreplace"))
                self._note(records.read())
                self._take_stock()
        except OutputError as error:
            raise UsageError(str(error)) from error
        except UsageError:
            raise
        except (OSError, ValueError) as error:  # ValueError: a name that no folder can have
            raise self._unusable(error) from error

    def add(self, record: CaptureRecord, patch: NDArray[np.uint8]) -> Outcome:
        """Writes a patch and its line, unless it is known, or there is no room for it.

        Raises:
            UsageError: the folder cannot be written to.
        """
        if record.sha256 in self._known:
            return "known"
        try:
            with self._locked() as records:
                self._catch_up(records)
                return self._add(records, record, patch)
        except OutputError as error:
            raise UsageError(str(error)) from error
        except OSError as error:
            raise self._unusable(error) from error

    def _add(self, records: FileIO, record: CaptureRecord, patch: NDArray[np.uint8]) -> Outcome:
        answer = folder_name(record.label)
        if record.sha256 in self._known:
            return "known"
        if self._waiting[answer] >= self._quota:
            return "over quota"
        content = cv2.imencode(".png", patch)[1].tobytes()
        line = record.line()
        if self._n_read and _last_byte(records) != b"\n":  # a process died, or the disk was full
            line = b"\n" + line
        n_bytes = _blocks(len(content)) + _blocks(self._n_read + len(line)) - _blocks(self._n_read)
        if self.used_bytes + n_bytes > self._budget_bytes:
            return "over budget"
        path = self.path / record.file
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
        n_written = records.write(line)
        if n_written != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._n_read += n_written
        self._known.add(record.sha256)
        self._waiting[answer] += 1
        self.used_bytes += n_bytes
        return "kept"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[FileIO]:
        """`capture.jsonl`, open to be read and appended to, by no other process meanwhile."""
        import fcntl  # here, because where there is no such lock one can still inspect

        with FileIO(self.path / RECORDS, "a+b") as file:
            if os.fstat(file.fileno()).st_size > MAX_RECORDS_BYTES:
                raise OSError(errno.EFBIG, f"its {RECORDS} is larger than {MAX_RECORDS_BYTES} bytes")
            ends = time.monotonic() + _LOCK_S
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > ends:
                        raise
                    time.sleep(0.01)
            file.seek(self._n_read)
            yield file

    def _catch_up(self, records: FileIO) -> None:
        """Takes note of what other processes have added."""
        news = records.read()
        before = self._n_read
        for record in self._note(news):
            self._waiting[folder_name(record.label)] += 1
            with contextlib.suppress(OSError):  # it was moved already
                self.used_bytes += _blocks((self.path / record.file).lstat().st_size)
        self.used_bytes += _blocks(self._n_read) - _blocks(before)

    def _note(self, lines: bytes) -> Sequence[CaptureRecord]:
        records, n_damaged = parse_records(lines)
        self._n_read += len(lines)
        self.n_damaged += n_damaged
        self._known.update(record.sha256 for record in records)
        return records

    def _take_stock(self) -> None:
        """Counts what lies here, whoever put it here."""
        for below, _, names in os.walk(self.path):
            inside = Path(below)
            self.used_bytes += sum(_blocks((inside / name).lstat().st_size) for name in names)
            if inside.parent == self.path / UNLABELLED:
                self._waiting[inside.name] = sum(name.lower().endswith(".png") for name in names)

    def _unusable(self, error: OSError | ValueError) -> UsageError:
        return UsageError(
            f"capture folder {self.path}: {reason_of(error)}; name a folder that can be written to and has room"
        )


def _last_byte(file: FileIO) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)


def _blocks(n_bytes: int) -> int:
    """Bytes in whole blocks."""
    return -(-n_bytes // _BLOCK_BYTES) * _BLOCK_BYTES
