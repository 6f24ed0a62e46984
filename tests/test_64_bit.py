"""32-bit systems are told why they are not supported, in a sentence, before anything is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NARROW = "import struct; struct.calcsize = lambda _: 4; "
"""What makes this Python one whose pointers have 32 bits, as far as it can tell."""

SENTENCE = re.compile(r"32-bit .*NumPy, OpenCV and msgspec have no wheels.*64-bit Raspberry Pi OS")


@pytest.fixture
def scripts(repo: Path, tmp_path: Path) -> Path:
    """The scripts in a folder of their own, so that nothing is installed into the checkout."""
    shutil.copytree(repo / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "scripts"


def fake_python(path: Path, is_narrow: bool = True) -> Path:
    """A Python that answers as one of a 32-bit system does, or the one that runs this; it has pip and makes nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    code = f'"{NARROW}$2"' if is_narrow else '"$2"'
    version = '[ "$*" = "-m pip --version" ] && exit 0'
    path.write_text(
        f'#!/bin/sh\n[ "$1" = -c ] && exec "{sys.executable}" -c {code}\n{version}\necho "made: $*"\nexit 1\n'
    )
    path.chmod(0o755)
    return path


def run(*command: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """A script's exit code and words."""
    env = {**os.environ, "PYTHON": "", **environment}
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, env=env)


@pytest.mark.parametrize(("script", "venv"), [("demo", ".venv"), ("test", ".venv-test")])
@pytest.mark.parametrize("how", ["named", "on the path", "in the environment"])
def test_scripts_refuse_a_32_bit_python(scripts: Path, tmp_path: Path, script: str, venv: str, how: str) -> None:
    """Exit code 2, one line with the reason and the next step, and nothing made, however that Python was chosen."""
    environment = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    if how == "named":
        environment["PYTHON"] = str(fake_python(tmp_path / "own" / "python"))
    elif how == "in the environment":
        fake_python(tmp_path / venv / "bin" / "python")
    for version in ("3", "3.10", "3.11", "3.12", "3.13"):
        fake_python(tmp_path / "bin" / f"python{version}", is_narrow=how == "on the path")
    before = sorted(tmp_path.rglob("*"))
    done = run(scripts / script, **environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert SENTENCE.search(done.stderr)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_64_bit_python_beside_a_32_bit_one_is_taken(scripts: Path, tmp_path: Path) -> None:
    """The first on the PATH need not be the one."""
    fake_python(tmp_path / "bin/python3")
    wide = [fake_python(tmp_path / f"bin/python3.{minor}", is_narrow=False) for minor in (13, 12, 11, 10)]
    command = f". {scripts / 'venv.sh'}; find_python"
    done = run("bash", "-c", command, PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert (done.returncode, done.stdout.strip()) == (0, str(wide[0]))


def doctor(before: str) -> subprocess.CompletedProcess[str]:
    """`ferrule doctor` in a process of its own that thinks it is a 32-bit one."""
    code = (
        f"import sys, struct; true = struct.calcsize; {NARROW}import edge.system.environment; struct.calcsize = true\n"
        f"{before}\nsys.argv = ['ferrule', 'doctor']; from edge.cli.app import main; main()"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_doctor_says_so_where_nothing_else_could_be_installed() -> None:
    """The first line is the reason, though NumPy and OpenCV are missing."""
    done = doctor("sys.modules['numpy'] = sys.modules['cv2'] = None")
    assert done.returncode != 0
    assert SENTENCE.search(done.stderr.splitlines()[0])


def test_no_runtime_is_offered_that_has_no_wheel() -> None:
    """A missing runtime's hint is the same sentence, not a package that pip cannot find."""
    done = doctor(
        "from importlib import metadata; found = metadata.version\n"
        "metadata.version = lambda name: found('none' if name in ('ai-edge-litert', 'tflite-runtime') else name)"
    )
    assert done.returncode == 4
    assert "userland 32 bit" in done.stdout
    told = [line for line in done.stdout.splitlines() if line.startswith("runtime ")]
    assert len(told) == 2
    assert all(SENTENCE.search(line) and "pip install" not in line for line in told)


def test_nothing_is_promised_to_32_bit_systems(repo: Path) -> None:
    """No dependency is marked for one."""
    assert "armv7" not in (repo / "pyproject.toml").read_text()
