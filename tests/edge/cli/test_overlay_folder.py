"""The folder of `--overlay`: nothing in it is replaced unless asked for, and one that fails stops no verdict."""

from __future__ import annotations

import errno
import html.parser
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2
import pytest
from ferrule_runs import REPO, TINY, draw_face, finish, process, rows, run

from edge.errors import OutputError, UsageError
from edge.system.files import read_regular, write_new, write_whole


def names(folder: str) -> list[str]:
    """What lies in a folder, hidden files included."""
    return sorted(path.name for path in Path(folder).iterdir())


@pytest.mark.parametrize("suffix", ["png", "svg"])
@pytest.mark.parametrize("links", [True, False])
def test_what_is_there_stays(bench: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, links: bool) -> None:
    """A file, a folder, a link to nowhere, or the look before: the next number is taken, and said; no half file.

    On file systems without hard links, too.
    """
    if not links:

        def no_links(*_: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr("edge.system.files.os.link", no_links)
    Path("out").mkdir()
    Path(f"out/face.{suffix}").write_text("somebody's")
    Path(f"out/good.{suffix}").mkdir()
    Path(f"out/bad.{suffix}").symlink_to("nowhere")
    words = ("inspect", "face.png", "pictures", "--overlay", "out", "--overlay-format", suffix)
    first = run(*words)
    assert first.exit_code == 1
    for name in ("face", "good", "bad"):
        assert f"overlay out/{name}-2.{suffix}" in first.stdout
    assert Path(f"out/face.{suffix}").read_text() == "somebody's"
    kept = {name: Path("out", name).read_bytes() for name in names("out") if "-2" in name}
    told = rows(run(*words, "--json").stdout)
    assert [row["overlay"] for row in told] == [f"out/{name}-3.{suffix}" for name in ("face", "bad", "good")]
    assert all(Path("out", name).read_bytes() == content for name, content in kept.items())
    assert len(names("out")) == 9


def test_only_overwrite_replaces(bench: Path) -> None:
    """--overwrite writes in place, but never over an overlay of the same run, nor over a picture that is inspected."""
    Path("out").mkdir()
    Path("out/good.png").write_text("somebody's")
    os.link("pictures/good.png", "out/other.png")
    before = Path("pictures/good.png").read_bytes()
    shutil.copytree("pictures", "more")
    words = ("inspect", "pictures", "more", "--overlay", "out", "--overwrite", "--json")
    for _ in range(2):
        told = rows(run(*words).stdout)
        assert [row["overlay"] for row in told] == ["out/bad.png", "out/good.png", "out/bad-2.png", "out/good-2.png"]
    assert names("out") == ["bad-2.png", "bad.png", "good-2.png", "good.png", "other.png"]
    assert Path("out/good.png").read_bytes().startswith(b"\x89PNG")
    assert Path("pictures/good.png").read_bytes() == before


@pytest.mark.parametrize("command", ["inspect", "watch"])
@pytest.mark.parametrize("extra", [[], ["--overwrite"]])
def test_never_a_picture_of_this_run(bench: Path, command: str, extra: list[str]) -> None:
    """By whatever name the folder is called, and wherever a picture is a link to."""
    Path("alias").symlink_to("pictures")
    Path("links").mkdir()
    Path("links/face.png").symlink_to(Path("pictures/good.png").resolve())
    before = {path: path.read_bytes() for path in sorted(Path("pictures").glob("*.png"))}
    for pictures, folder in (("pictures", "alias"), ("alias", "pictures"), ("links", "pictures"), ("links", "links/")):
        result = run(command, pictures, "--overlay", folder, *extra)
        assert result.exit_code == 2
        assert "itself" in result.stderr
    assert {path: path.read_bytes() for path in sorted(Path("pictures").glob("*.png"))} == before


def test_the_overlay_is_there_before_its_line(bench: Path) -> None:
    """Whoever reads a line finds the file that it names, whole; without --overlay there is no such key."""
    with process("inspect", "pictures", "missing.png", "--json", "--overlay", "out", "--model", TINY) as started:
        assert started.stdout is not None
        for row in map(json.loads, started.stdout):
            if row["status"] == "UNREADABLE":
                assert row["overlay"] is None
            else:
                assert cv2.imread(row["overlay"]) is not None
        assert finish(started)[0] == 3
    assert "overlay" not in rows(run("inspect", "face.png", "--json").stdout)[0]


def test_two_processes_draw_into_one_folder(bench: Path) -> None:
    """Each overlay has a name of its own, and none is lost."""
    for k in range(20):
        shutil.copytree("pictures", f"many/{k}", ignore=shutil.ignore_patterns("below"))
    words = ("inspect", "many", "-r", "--json", "--quiet", "--overlay", "out", "--model", TINY)
    with process(*words) as one, process(*words) as other:
        told = [row["overlay"] for started in (one, other) for row in rows(finish(started)[1])]
    assert len(told) == len(set(told)) == 80
    assert sorted(told) == sorted(f"out/{name}" for name in names("out"))


def test_names_that_are_too_long_for_an_overlay(bench: Path) -> None:
    """Are cut, and stay apart, a number of bytes being the limit."""
    for k in range(2):
        Path(f"{k}").mkdir()
        shutil.copy("face.png", f"{k}/{'é' * 125}.png")
    told = rows(run("inspect", "0", "1", "--json", "--overlay", "out", "--overlay-format", "svg").stdout)
    assert [Path(row["overlay"]).suffix for row in told] == [".svg", ".svg"]
    assert len(names("out")) == 2


class Elements(html.parser.HTMLParser):
    """Tags and attributes as a browser takes them from a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Notes an element."""
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize(
    "name",
    [
        "<script>",
        "<script>alert(1)<",
        "<img src=x onerror=alert(1)>",
        "\"' onload='alert(1)",
        "]]><script>",
        "--><script>",
        "&lt;script>",
    ],
)
def test_a_name_is_no_markup(bench: Path, name: str) -> None:
    """A picture's name is text wherever its overlay is shown: as SVG, and as SVG within an HTML page."""
    shutil.copy("face.png", f"{name}.png")
    (row,) = rows(run("inspect", "--json", "--overlay", "out", "--overlay-format", "svg", "--", f"{name}.png").stdout)
    text = Path(row["overlay"]).read_text(encoding="utf-8")
    ElementTree.fromstring(text)
    for tag, attributes in Elements(f"<!doctype html><title>a page</title>{text}").found:
        assert tag not in ("script", "img")
        assert not any(key.startswith("on") for key in attributes)


def small(limit: int, *words: object) -> tuple[int, str, str]:
    """A process that may write no file larger than so many bytes: a disk without room, for a real one."""
    code = (
        f"import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "from edge.cli.app import main; main()"
    )
    env = {**os.environ, "PYTHONPATH": str(REPO), "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], env=env, capture_output=True, encoding="utf-8", timeout=120
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("command", ["inspect", "watch"])
def test_a_folder_that_has_no_room(bench: Path, command: str) -> None:
    """Every verdict comes; it is said once, and counted at the end; nothing half is left; 5."""
    code, out, err = small(1000, command, "pictures", "--json", "--overlay", "out", "--model", TINY)
    assert code == 5
    told = rows(out)
    assert [row["status"] for row in told] == ["FAIL", "PASS"]
    assert [row["overlay"] for row in told] == [None, None]
    lines = [line for line in err.splitlines() if line.startswith("ferrule: ")]
    assert len(lines) == 2
    assert "inspecting goes on" in lines[0]
    assert lines[1] == "ferrule: 2 overlays could not be written to out"
    assert names("out") == []


def test_a_folder_that_goes_away(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of a run: the same."""
    from edge.cli.overlays import Drawing

    real, n = Drawing.drawn, iter(range(9))

    def drawn(self: Drawing, *rest: Any) -> Any:
        if next(n) == 1:
            shutil.rmtree("out")
        return real(self, *rest)

    monkeypatch.setattr(Drawing, "drawn", drawn)
    result = run("inspect", "face.png", "pictures", "--json", "--overlay", "out")
    assert result.exit_code == 5
    assert [row["overlay"] for row in rows(result.stdout)] == ["out/face.png", None, None]
    assert "2 overlays could not be written to out" in result.stderr


def test_what_cannot_be_drawn(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An internal error while drawing costs the overlay and not the verdict; 70."""
    from typer.testing import CliRunner

    from edge.cli import app

    def draw(*_: object) -> None:
        raise KeyError("layout")

    monkeypatch.setattr("edge.overlay.draw", draw)
    result = CliRunner().invoke(app.app, ["inspect", "pictures", "--json", "--overlay", "out"])
    assert result.exit_code == 70
    assert [(row["status"], row["overlay"]) for row in rows(result.stdout)] == [("FAIL", None), ("PASS", None)]


class TestFiles:
    """`edge.system.files`."""

    def test_new_is_new(self, tmp_path: Path) -> None:
        """One that is there is not touched, and no other file is left."""
        write_new(tmp_path / "a", b"1")
        with pytest.raises(FileExistsError):
            write_new(tmp_path / "a", b"2")
        assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"1")]

    @pytest.mark.parametrize("write", [write_new, write_whole])
    def test_no_place_and_no_room_are_two_things(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Any
    ) -> None:
        """A folder that is not there is a usage error; a full one an output that could not be written."""
        for place in (tmp_path / "none" / "a", tmp_path / ("x" * 300), tmp_path / "\0"):
            with pytest.raises(UsageError, match="cannot be written"):
                write(place, b"")

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("edge.system.files.os.fdopen", full)
        with pytest.raises(OutputError, match="No space left"):
            write(tmp_path / "a", b"")
        assert list(tmp_path.iterdir()) == []

    def test_only_regular_files_are_read(self, tmp_path: Path) -> None:
        """A pipe is not waited for, a device not read, a folder none, and a large file not read whole."""
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "link").symlink_to("/dev/zero")
        (tmp_path / "large").write_bytes(b"12345")
        for name in ("pipe", "link", "large", "none", "."):
            with pytest.raises(OSError, match=r"regular|larger|No such|directory"):
                read_regular(tmp_path / name, 4)
        assert read_regular(tmp_path / "large", 5) == b"12345"


def test_numbers_are_found_at_once(bench: Path) -> None:
    """However many overlays of one name there are, each new one takes the next number; their count is not squared."""
    Path("out").mkdir()
    for k in range(1, 3000):
        Path(f"out/face{f'-{k}' if k > 1 else ''}.png").touch()
    for k in range(3):
        Path(f"{k}").mkdir()
        cv2.imwrite(f"{k}/face.png", draw_face())
    told = rows(run("inspect", "0", "1", "2", "--json", "--overlay", "out").stdout)
    assert [row["overlay"] for row in told] == [f"out/face-{k}.png" for k in (3000, 3001, 3002)]
