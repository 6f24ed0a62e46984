"""Reading pictures has no effect on what the process, its threads and its children do with stderr, nor they on it."""

from __future__ import annotations

import ast
import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest
from ferrule_runs import REPO
from picture_files import encoded, flipped, scan_begin, smooth, with_stray_byte

from edge.errors import SourceError
from edge.sources import read_picture


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Good pictures of every format, one with a harmless stray byte, and damaged ones."""
    files = {f"good{suffix}": encoded(smooth(90, 120), suffix) for suffix in (".png", ".jpg", ".bmp", ".tif")}
    jpeg = encoded(smooth(90, 120, 3), ".jpg")
    files["good-stray.jpg"] = with_stray_byte(jpeg)
    files["bad-cut.jpg"] = jpeg[: len(jpeg) // 2]
    files["bad-flipped.jpg"] = flipped(jpeg, 3, 64, scan_begin(jpeg))
    files["bad-cut.tif"] = encoded(smooth(90, 120), ".tif")[:-9]
    files["bad-cut.png"] = encoded(smooth(90, 120), ".png")[:-9]
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return [tmp_path / name for name in files]


def read_all(pictures: list[Path]) -> list[str]:
    """The pictures that could be read, by name."""
    read = []
    for path in pictures:
        try:
            read_picture(path)
        except SourceError:
            continue
        read.append(path.name)
    return read


@pytest.fixture
def reading(pictures: list[Path]) -> Iterator[Callable[[], list[list[str]]]]:
    """Two threads that read all pictures over and over; the call ends them and gives what each pass could read."""
    ending, passes = threading.Event(), []

    def loop() -> None:
        while not ending.is_set():
            passes.append(read_all(pictures))

    threads = [threading.Thread(target=loop) for _ in range(2)]
    for thread in threads:
        thread.start()

    def end() -> list[list[str]]:
        ending.set()
        for thread in threads:
            thread.join()
        return passes

    yield end
    end()


def test_words_of_others_are_no_damage_and_are_all_there(
    pictures: list[Path], reading: Callable[[], list[list[str]]], capfd: pytest.CaptureFixture[str]
) -> None:
    """Lines that sound like a decoder's, written to stderr meanwhile, refuse no picture, and each arrives."""
    said = [f"Corrupt JPEG data: {k} premature end; libpng error; TIFF_Error\n" for k in range(2000)]
    for line in said:
        os.write(2, line.encode())
    passes = reading()
    assert passes
    assert all(read == [path.name for path in pictures if "good" in path.name] for read in passes)
    assert capfd.readouterr().err == "".join(said)


def test_children_get_the_stderr_that_the_process_has(reading: Callable[[], list[list[str]]]) -> None:
    """A program started meanwhile writes where this one would."""
    ours = Path("/proc/self/fd/2").readlink()
    command = ["readlink", "/proc/self/fd/2"]
    for _ in range(30):
        assert subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout.strip() == str(ours)
    assert reading()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_children_forked_meanwhile_can_read(pictures: list[Path], reading: Callable[[], list[list[str]]]) -> None:
    """A fork while other threads decode leaves nothing locked in the child."""
    fork = multiprocessing.get_context("fork")
    children = [fork.Process(target=read_all, args=(pictures,)) for _ in range(10)]
    for child in children:
        child.start()
    for child in children:
        child.join(timeout=60)
        hangs = child.is_alive()
        child.kill()
        assert not hangs
        assert child.exitcode == 0
    assert reading()


def test_nothing_in_the_edge_redirects_what_belongs_to_the_process() -> None:
    """No file but the command line's own, which is the process, duplicates descriptors or replaces a stream."""
    found = []
    for path in sorted((REPO / "edge").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if name in {"dup2", "redirect_stderr", "redirect_stdout"}:
                found.append(f"{path.relative_to(REPO)}: {name}")
            targets = node.targets if isinstance(node, ast.Assign) else []
            found += [f"{path.relative_to(REPO)}: {ast.unparse(t)}" for t in targets if "sys.std" in ast.unparse(t)]
    assert [line for line in found if not line.startswith("edge/cli/console.py: dup2")] == []


def test_the_library_leaves_opencvs_log_level_alone(pictures: list[Path]) -> None:
    """How much OpenCV says is the program's choice: reading neither changes nor needs it."""
    code = (
        "import cv2, sys; from pathlib import Path; from edge.sources import frames, list_pictures, picture_events\n"
        "log = getattr(cv2.utils, 'logging', cv2); before = log.getLogLevel()\n"
        "list(picture_events(list_pictures(sys.argv[1:]))); assert log.getLogLevel() == before"
    )
    subprocess.run([sys.executable, "-c", code, *pictures], check=True, cwd=REPO, timeout=120)
    assert cv2.__version__
