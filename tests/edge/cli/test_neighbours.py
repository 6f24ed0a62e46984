"""What is wrong with one picture, file or folder does not stop the others, whatever it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ferrule_runs import REPO, TINY, own_words, rows, run

from edge.sources import LostFrame, list_folder, list_pictures
from edge.sources.pictures import search_folder

Names = list[str]


def loop(folder: Path) -> Names:
    """Links in a circle, as a file and as a folder."""
    (folder / "a.png").symlink_to("b.png")
    (folder / "b.png").symlink_to("a.png")
    (folder / "c").symlink_to("c")
    return ["a.png", "c"]


def pipe(folder: Path) -> Names:
    """A pipe that nobody writes to."""
    os.mkfifo(folder / "pipe.png")
    return ["pipe.png"]


BAD: dict[str, Callable[[Path], Names]] = {
    "circle": loop,
    "pipe": pipe,
    "long name": lambda _: ["x" * 300 + ".png"],
    "long path": lambda _: ["d/" * 3000 + "a.png"],
    "below a file": lambda _: ["face.png/a.png"],
    "surrogate": lambda _: ["\ud800.png"],
    "no such user": lambda _: ["~nobody-of-that-name/a.png"],
    "device": lambda _: ["/dev/null", "/dev/zero"],
    "link to a device": lambda folder: [(folder / "z.png").symlink_to("/dev/zero") or "z.png"],
    "dangling": lambda folder: [(folder / "z.png").symlink_to("nowhere") or "z.png"],
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("options", [[], ["--recursive"], ["--overlay", "out"], ["--capture", "mine"]], ids=" ".join)
def test_inspect(bench: Path, kind: str, options: list[str]) -> None:
    """One UNREADABLE object and one line for each, and the good pictures before and after are inspected; 3."""
    names = BAD[kind](bench)
    result = run("inspect", "face.png", *names, "pictures/good.png", "--json", *options)
    assert result.exit_code == 3
    told = rows(result.stdout)
    assert [row["status"] for row in told] == ["PASS", *["UNREADABLE"] * len(names), "PASS"]
    assert [row["source"] for row in told[1:-1]] == [str(Path(name)) for name in names]
    assert sum(line.startswith("ferrule: ") for line in result.stderr.splitlines()) == len(names)


@pytest.mark.parametrize("kind", BAD)
def test_classify_and_watch(bench: Path, kind: str) -> None:
    """The same for `classify`; and a source that cannot be is one line, and 3."""
    names = BAD[kind](bench)
    result = run("classify", "face.png", *names, "pictures/good.png", "--json", "--quiet")
    told = rows(result.stdout)
    assert (result.exit_code, len(told), len(result.stderr.splitlines())) == (3, 2 + len(names), len(names))
    assert sum(row["label"] is None for row in told) == len(names)
    if "device" not in kind:  # a device is asked for frames, and waited for
        for name in names:
            assert run("watch", name, "--quiet").exit_code == 3


@pytest.mark.parametrize("kind", ["circle", "pipe", "link to a device", "dangling"])
def test_in_a_folder(bench: Path, kind: str) -> None:
    """What lies among good pictures is told by itself."""
    BAD[kind](Path("pictures"))
    told = rows(run("inspect", "pictures", "--json", "-r").stdout)
    assert sorted(row["source"] for row in told if row["status"] != "UNREADABLE") == [
        "pictures/bad.png",
        "pictures/below/deep.png",
        "pictures/good.png",
    ]


def test_a_deep_tree(tmp_path: Path) -> None:
    """Folders may lie deeper than Python may recurse, or than a path may be long."""
    at, home = tmp_path, Path.cwd()
    try:
        os.chdir(at)
        for _ in range(1500):
            Path("d").mkdir()
            os.chdir("d")
        Path("a.png").touch()
        os.chdir(tmp_path)
        assert list_folder(".", recursive=True) == [Path("d/" * 1500, "a.png")]
        for _ in range(1500):
            os.chdir("d")
        for _ in range(1500):
            Path("d").mkdir()
            os.chdir("d")
        os.chdir(tmp_path)
        found, problems = search_folder(".", recursive=True)
        assert found == [Path("d/" * 1500, "a.png")]
        assert ["too long" in problem for problem in problems.values()] == [True]
    finally:
        os.chdir(home)
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


# Takes from root what lets it pass over permission bits: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH (capset(2)).
WITHOUT_PRIVILEGE = """
import ctypes, sys
libc, header = ctypes.CDLL(None, use_errno=True), (ctypes.c_uint32 * 2)(0x20080522, 0)
held = (ctypes.c_uint32 * 6)()
if libc.capget(header, held) or (held.__setitem__(0, held[0] & ~0b110) or libc.capset(header, held)):
    sys.exit("privileges cannot be given up here")
"""


def as_one_who_may_not(*words: object) -> tuple[int, str, str]:
    """A process that permission bits hold for, whoever runs the tests."""
    if os.getuid() == 0 and sys.platform != "linux":
        pytest.skip("root may read everything here")
    code = (WITHOUT_PRIVILEGE if os.getuid() == 0 else "") + "from edge.cli.app import main; main()"
    env = {**os.environ, "PYTHONPATH": str(REPO), "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-c", code, *map(str, words)]
    done = subprocess.run(command, env=env, capture_output=True, encoding="utf-8", timeout=120)
    if "privileges cannot be given up here" in done.stderr:
        pytest.skip("privileges cannot be given up here")
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, own_words(done.stderr)


@pytest.mark.parametrize("mode", [0o000, 0o444, 0o111], ids=oct)
def test_a_locked_folder_below(bench: Path, mode: int) -> None:
    """Is one UNREADABLE of its own, in its place, and the rest of the tree is inspected."""
    model = shutil.copy(TINY, bench / "tiny.tflite")
    below = Path("pictures/below")
    below.chmod(mode)
    try:
        code, out, err = as_one_who_may_not("inspect", "pictures", "-r", "--json", "--model", model)
    finally:
        below.chmod(0o755)
    told = [(row["source"], row["status"]) for row in rows(out)]
    lost = "pictures/below/deep.png" if mode == 0o444 else "pictures/below"
    assert told == [("pictures/bad.png", "FAIL"), (lost, "UNREADABLE"), ("pictures/good.png", "PASS")]
    assert code == 3
    assert "permission denied" in err


def test_a_locked_file(bench: Path) -> None:
    """On the command line, in a folder, and below a folder that may not be entered."""
    model = shutil.copy(TINY, bench / "tiny.tflite")
    Path("locked").mkdir()
    shutil.copy("face.png", "locked/face.png")
    shutil.copy("face.png", "pictures/locked.png")
    Path("pictures/locked.png").chmod(0)
    Path("locked").chmod(0)
    try:
        words = ["pictures/locked.png", "locked/face.png", "face.png", "pictures"]
        code, out, _ = as_one_who_may_not("inspect", *words, "--json", "--model", model)
        listed, answers, _ = as_one_who_may_not("classify", *words[:3], "--json", "--model", model)
        watched, _, said = as_one_who_may_not("watch", "locked/face.png", "--model", model)
        refused = [
            as_one_who_may_not("inspect", "face.png", "--model", model, option, "locked/x")
            for option in ("--overlay", "--capture", "--criteria", "--model")
        ]
    finally:
        Path("locked").chmod(0o755)
    statuses = [row["status"] for row in rows(out)]
    assert (code, statuses) == (3, ["UNREADABLE", "UNREADABLE", "PASS", "FAIL", "PASS", "UNREADABLE"])
    assert (listed, [row["label"] is None for row in rows(answers)].count(True)) == (3, 2)
    assert (watched, "permission denied" in said.lower()) == (3, True)
    assert [(c, o, e.count("\n")) for c, o, e in refused] == [(2, "", 1)] * 4


def test_a_working_folder_that_is_gone(bench: Path) -> None:
    """Everything is said and nothing is a traceback, by whole paths and by relative ones."""
    gone = bench / "gone"
    gone.mkdir()
    code = "import os, sys; os.chdir(sys.argv[1]); os.rmdir(sys.argv.pop(1))\nfrom edge.cli.app import main; main()"
    env = {**os.environ, "PYTHONPATH": str(REPO), "PYTHONWARNINGS": "error"}
    words = ["inspect", "missing.png", bench / "face.png", "--json", "--model", TINY]
    for extra, expected in (([], 3), (["--overlay", bench / "out"], 3), (["--overlay", "out"], 2)):
        gone.mkdir(exist_ok=True)
        done = subprocess.run(
            [sys.executable, "-c", code, gone, *words, *extra],
            env=env,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
        assert done.returncode == expected, done.stderr
        assert "Traceback" not in done.stderr


def test_the_order_is_natural_with_locked_folders_in_it(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be read stands where its pictures would."""
    for name in ("f1", "f2", "f10"):
        Path("many", name).mkdir(parents=True)
        shutil.copy("face.png", f"many/{name}/a.png")
    real = os.scandir

    def scandir(path: Path) -> object:
        if Path(path).name == "f2":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr("edge.sources.pictures.os.scandir", scandir)
    listed = list_pictures(["many"], recursive=True)
    assert [str(p.source if isinstance(p, LostFrame) else p) for p in listed] == [
        "many/f1/a.png",
        "many/f2",
        "many/f10/a.png",
    ]
    assert json.loads(run("inspect", "many", "-r", "--json").stdout.splitlines()[1])["status"] == "UNREADABLE"
