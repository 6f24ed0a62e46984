"""scripts/attack.py: that it notices what is wrong, repeats itself, and finds nothing here in a short run."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from functools import partial
from pathlib import Path
from random import Random

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
import attack
from attack_case import REPO, Case, Kind, Tally, Wrong
from attack_page import BEGIN, END, markdown, rewrite, summary

SEED = 8

# What a program in Ferrule's place does, by the mode it is started with; all but the first are wrong.
FAKE = """\
import os, pathlib, signal, sys, time
mode = sys.argv[1]
row = '{"status": "FAIL"}'
code = 1
if mode == "traceback": raise RuntimeError("unexpected")
if mode == "hang": time.sleep(600)
if mode == "signal": os.kill(os.getpid(), signal.SIGSEGV)
if mode == "replaced": pathlib.Path("face.png").write_bytes(b"another")
if mode == "removed": pathlib.Path("face.png").unlink()
if mode == "added": pathlib.Path("core.1234").write_bytes(b"")
if mode == "half png": pathlib.Path("out").mkdir(); pathlib.Path("out/face.png").write_bytes(b"\\x89PNG\\r\\n\\x1a\\n")
if mode == "half line": pathlib.Path("out").mkdir(); pathlib.Path("out/kept.jsonl").write_bytes(b'{"a": 1}\\n{"b"')
if mode == "left over": pathlib.Path(".ferrule-abc").write_bytes(b"")
if mode == "memory": large = b"x" * 700_000_000
if mode == "PASS": row, code = '{"status": "PASS"}', 0
if mode == "silent PASS": row, code = "", 0
if mode == "exit 9": code = 9
if mode == "exit 70": code = 70
if mode == "not its verdict": row = '{"status": "UNREADABLE"}'
if mode == "no row": row = ""
if mode == "no JSON": row = "FAIL"
if mode == "NaN": row = '{"status": "FAIL", "score": NaN}'
if mode == "escape": print("ferrule: \\x1b[31mred", file=sys.stderr)
if mode == "native": print("[ WARN:0@0.1] global loadsave.cpp:268 findDecoder", file=sys.stderr)
if mode == "path": print("ferrule: OpenCV(4.1) /io/opencv/modules/core/src/alloc.cpp:73: no memory", file=sys.stderr)
if mode == "many lines": print("ferrule: again\\n" * 50, file=sys.stderr)
print(row) if row else None
sys.exit(code)
"""

NOTICED = {
    "traceback": "traceback",
    "hang": "hang",
    "signal": "signal",
    "replaced": "replaced",
    "removed": "replaced",
    "added": "replaced",
    "half png": "half file",
    "half line": "half file",
    "left over": "half file",
    "memory": "memory",
    "PASS": "false PASS",
    "silent PASS": "false PASS",
    "exit 9": "exit code",
    "exit 70": "internal error",
    "not its verdict": "exit code",
    "no row": "bad output",
    "no JSON": "bad output",
    "NaN": "bad output",
    "escape": "bad output",
    "native": "raw line",
    "path": "raw line",
    "many lines": "many lines",
}


@pytest.fixture
def fake(tmp_path: Path) -> list[str]:
    """A program to be attacked in Ferrule's place; its mode comes after it."""
    path = tmp_path / "fake.py"
    path.write_text(FAKE, encoding="utf-8")
    return [sys.executable, str(path)]


def _face(rng: Random, folder: Path, limit_s: float) -> Case:
    (folder / "face.png").write_bytes(rng.randbytes(100))
    words = ("inspect", "face.png", "--json")
    return Case(words, frozenset({1, 3}), never_pass=True, n_rows=1, time_limit_s=limit_s, may_add=("out", "out/*"))


def _attacked(program: list[str], limit_s: float = 60.0, not_promised: frozenset[Wrong] = frozenset()) -> attack.Attack:
    kind = Kind("files", "a face", partial(_face, limit_s=limit_s), not_promised=not_promised)
    run = attack.Attack([kind], SEED, program)
    run.run(rounds=1)
    return run


def test_a_right_outcome_is_right(fake: list[str]) -> None:
    """A verdict that fits its exit code, one line of JSON and nothing else: right."""
    run = _attacked([*fake, "right"])
    assert run.tallies == {("files", "a face"): Tally(1, 1)}
    assert run.findings == []


@pytest.mark.parametrize(("mode", "wrong"), NOTICED.items(), ids=list(NOTICED))
def test_what_is_wrong_is_noticed(fake: list[str], mode: str, wrong: str) -> None:
    """Each wrong outcome of a program in Ferrule's place is counted as what it is."""
    run = _attacked([*fake, mode], limit_s=1.0 if mode == "hang" else 60.0)
    assert [finding.wrong for finding in run.findings] == [wrong]
    assert run.tallies["files", "a face"].wrong == {wrong: 1}


def test_what_is_not_promised_is_counted_apart(fake: list[str]) -> None:
    """A kind of which a crash is not promised away counts it apart, and anything else as wrong all the same."""
    crashed = _attacked([*fake, "signal"], not_promised=frozenset({"signal"}))
    assert crashed.tallies["files", "a face"] == Tally(1, 0, 1)
    assert crashed.findings == []
    passed = _attacked([*fake, "PASS"], not_promised=frozenset({"signal"}))
    assert [finding.wrong for finding in passed.findings] == ["false PASS"]


def test_the_script_leaves_with_1_and_keeps_what_was_wrong(fake: list[str], tmp_path: Path) -> None:
    """Wrong outcomes make the exit code 1, and each is kept with its input and the command that repeats it."""
    command = [sys.executable, str(REPO / "scripts/attack.py"), "--only", "profiles", "--rounds", "1"]
    command += ["--ferrule", shlex.join([*fake, "traceback"])]
    command += ["--keep", str(tmp_path / "kept"), "--json", str(tmp_path / "found.json")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False)
    assert done.returncode == 1, done.stderr
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    kept = sorted(path.name for path in (tmp_path / "kept").iterdir())
    assert len(kept) == len(found["wrong"]) == sum(count["n_cases"] for count in found["counts"]) > 10
    assert {finding["wrong"] for finding in found["wrong"]} == {"traceback"}
    case = tmp_path / "kept" / "profiles-zones-0"
    assert "--case profiles/zones/0" in (case / "case.txt").read_text(encoding="utf-8")
    assert (case / "input" / "mine.toml").is_file()


MADE_AGAIN = """
import hashlib, pathlib, sys, tempfile
sys.path.insert(0, "scripts")
import attack
from attack_case import random_of
from attack_judge import state_of
for kind in attack.all_kinds():
    if kind.name in ("zip: bomb", "description: a huge one", "bombs", "hundreds of MB"):  # they take seconds
        continue
    with tempfile.TemporaryDirectory() as folder:
        case = kind.make(random_of(8, "a/b/0"), pathlib.Path(folder))
        state = sorted((path, what[:2]) for path, what in state_of(pathlib.Path(folder)).items())
        print(kind.group, kind.name, ascii(case.arguments), hashlib.sha256(ascii(state).encode()).hexdigest())
"""


@pytest.mark.slow
def test_the_same_seed_makes_the_same_cases() -> None:
    """Every kind's input and command are the same in another process with another hash seed."""
    told = [
        subprocess.run(
            [sys.executable, "-c", MADE_AGAIN],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(REPO), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            encoding="utf-8",
            cwd=REPO,
            check=True,
        ).stdout.splitlines()
        for seed in ("1", "2")
    ]
    assert told[0] == told[1]
    assert len(told[0]) > 100


def test_no_two_kinds_share_a_name() -> None:
    """A case's name says which it is."""
    kinds = attack.all_kinds()
    assert len({(kind.group, kind.name) for kind in kinds}) == len(kinds)
    assert {kind.group for kind in kinds} == set(attack.GROUPS)


def test_the_table_goes_between_its_markers(tmp_path: Path) -> None:
    """The page's table is replaced, and nothing else of the page; a page without a place for it is an error."""
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    tallies = {("models", "cut"): Tally(5, 3, 1, {"signal": 1}), ("names", "none tried"): Tally()}
    rewrite(page, markdown(tallies, SEED, 60.0))
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{BEGIN}\n5 cases in 1 minutes, seed 8, ")
    assert text.endswith(f"{END}\nafter\n")
    assert "| models | cut | 5 | 3 | 1 | 1 | 1 |" in text
    assert "old" not in text
    assert "none tried" not in text
    page.write_text("no place", encoding="utf-8")
    with pytest.raises(ValueError, match="no place for the table"):
        rewrite(page, "")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("group", attack.GROUPS)
def test_a_short_attack_finds_nothing(group: str) -> None:
    """Damaged and hostile inputs of every kind: no false PASS, no crash, no hang, nothing but words of ours.

    The same cases every time. scripts/attack.py runs more of them.
    """
    kinds = [kind for kind in attack.all_kinds() if kind.group == group]
    run = attack.Attack(kinds, SEED)
    run.run(rounds=1)
    assert run.n_cases >= len(kinds)
    assert not run.findings, summary(run.tallies, run.findings, 0.0)
