"""The house as a whole: what may import what, what the wheel holds, what an edge install pulls."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def _extras(repo: Path) -> set[str]:
    return set(tomllib.loads((repo / "pyproject.toml").read_text())["project"]["optional-dependencies"])


def _run(*command: object, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True, timeout=1500)
    if check and done.returncode:
        raise AssertionError(f"{command} left with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done


def test_edge_imports_without_tensorflow_keras_or_trainer(repo: Path) -> None:
    """Every edge module imports in a process where TensorFlow, Keras and the trainer cannot be imported."""
    modules = sorted(
        ".".join(p.relative_to(repo).with_suffix("").parts).removesuffix(".__init__")
        for p in (repo / "edge").rglob("*.py")
    )
    code = (
        "import sys, importlib\n"
        "for name in ('tensorflow', 'keras', 'trainer'): sys.modules[name] = None\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in ('tensorflow', 'keras', 'trainer') "
        "and sys.modules[m] is not None))"
    )
    assert _run(sys.executable, "-c", code, cwd=repo).stdout.strip() == "[]"


def test_every_install_hint_names_an_extra_that_exists(repo: Path) -> None:
    """Wherever the code or the docs say `ferrule[extra]`, pyproject.toml has that extra."""
    extras = _extras(repo)
    texts = [*(repo / "edge").rglob("*.py"), *(repo / "trainer").rglob("*.py"), *repo.glob("*.md")]
    texts += (repo / "docs").rglob("*.md")
    hints = {
        (path.name, extra)
        for path in texts
        for found in re.findall(r"ferrule\[([a-z,]+)\]", path.read_text(encoding="utf-8"))
        for extra in found.split(",")
    }
    assert hints, "no install hint found: the pattern no longer fits the texts"
    assert {extra for _, extra in hints} <= extras, hints


def test_readme_names_the_two_commands(repo: Path) -> None:
    """README's two commands exist and may be executed."""
    readme = (repo / "README.md").read_text(encoding="utf-8")
    for command in ("scripts/demo", "scripts/test"):
        assert command in readme
        assert (repo / command).stat().st_mode & 0o111


@pytest.mark.slow
@pytest.mark.train  # `build` comes with the dev extra, as the trainer's tests do
@pytest.mark.timeout(3000)
def test_wheel_alone_inspects_an_example_without_tensorflow(repo: Path, tmp_path: Path) -> None:
    """The wheel, installed alone in a clean environment, inspects an example away from the checkout; no TensorFlow."""
    _run(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path / "dist", repo, cwd=tmp_path)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "edge/shipped_models/fibre-defects.tflite" in names
    assert any(n.startswith("edge/judge/standards/") and n.endswith(".toml") for n in names)
    assert not any(n.startswith("tests/") for n in names)

    _run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    _run(python, "-m", "pip", "install", "--quiet", wheel, cwd=tmp_path)
    installed = {
        d["name"].lower() for d in json.loads(_run(python, "-m", "pip", "list", "--format=json", cwd=tmp_path).stdout)
    }
    assert not {n for n in installed if n.startswith(("tensorflow", "keras"))}, installed
    assert {"ferrule", "numpy", "opencv-python", "typer"} <= installed

    example = tmp_path / "face.png"
    example.write_bytes(sorted((repo / "examples").glob("*.png"))[0].read_bytes())
    done = _run(python.with_name("ferrule"), "inspect", example, "--json", cwd=tmp_path, check=False)
    assert done.returncode in (0, 1), done.stderr
    row = json.loads(done.stdout)
    assert row["schema"] == "ferrule/inspection/1"
    assert row["status"] in ("PASS", "FAIL")
    assert row["model"]["name"] == "fibre-defects"
