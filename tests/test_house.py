"""The house as a whole: what may import what, what the wheel holds, what an edge install pulls."""

from __future__ import annotations

import ast
import importlib
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
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]


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


def _modules(repo: Path, top: str) -> list[str]:
    """Dotted names of all modules of a package, packages by their own name."""
    files = sorted((repo / top).rglob("*.py"))
    return [".".join(p.relative_to(repo).with_suffix("").parts).removesuffix(".__init__") for p in files]


def _doors(repo: Path) -> list[Path]:
    return sorted(p for top in ("edge", "trainer") for p in (repo / top).rglob("__init__.py"))


def test_no_export_bears_a_submodule_s_name(repo: Path) -> None:
    """`edge.judge.judge` is the function and nothing else: a module of that name would take its place once imported."""
    for door in _doors(repo):
        exported = {
            name
            for node in ast.walk(ast.parse(door.read_text(encoding="utf-8")))
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
            for name in ast.literal_eval(node.value)
        }
        beside = {p.stem for p in door.parent.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
        assert not exported & beside, f"{door.relative_to(repo)} exports {sorted(exported & beside)}"


def test_a_door_opens_and_does_nothing_else(repo: Path) -> None:
    """The `__init__` of a package inside `edge` and `trainer` imports what it exports; what it does lies in a file."""
    for door in _doors(repo):
        if len(door.relative_to(repo).parts) == 2:  # `edge` and `trainer` themselves are what users import
            continue
        defined = [
            node.name
            for node in ast.parse(door.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("__")
        ]
        assert not defined, f"{door.relative_to(repo)} defines {defined}: move it to a file of the package"


def test_every_dotted_name_in_a_text_imports(repo: Path) -> None:
    """Wherever a message, a docstring or a page says `edge.x.y` or `trainer.x.y`, that is what can be imported."""
    pages = [*repo.glob("*.md"), *repo.glob("docs/*.md"), *repo.glob("docs/decisions/*.md")]
    texts = {str(p.relative_to(repo)): p.read_text(encoding="utf-8") for p in pages}
    for top in ("edge", "trainer"):
        for path in sorted((repo / top).rglob("*.py")):
            strings = [
                node.value
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            ]
            texts[str(path.relative_to(repo))] = "\n".join(strings)
    named = {
        (where, name)
        for where, text in texts.items()
        for name in re.findall(r"(?<![\w./-])((?:edge|trainer)(?:\.[A-Za-z_]\w*)+)(?![\w/])", text)
        if not name.endswith(".py")
    }
    assert len(named) > 20, "hardly a name found: the pattern no longer fits the texts"
    wrong = sorted(f"{where}: {name}" for where, name in named if not _imports(name))
    assert not wrong, wrong


def _imports(name: str) -> bool:
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:n]))
        except ModuleNotFoundError as error:
            if error.name and not error.name.startswith(("edge", "trainer")):
                return True  # it needs an extra that is not installed here
            continue
        for attribute in parts[n:]:
            if not hasattr(found, attribute):
                return False
            found = getattr(found, attribute)
        return True
    return False


def test_what_was_promised_is_still_imported_the_same_way() -> None:
    """The import paths that README and docs gave before the packages came keep working."""
    from edge import load, predict
    from edge.hooks import enrich
    from edge.inspection import Inspector, inspect_frame, load_inspector
    from edge.records import Candidate, EndFace, Finding, Frame, Inspection, Verdict

    promised = (load, predict, enrich, inspect_frame, load_inspector)
    assert all(callable(function) for function in promised)
    assert all(isinstance(k, type) for k in (Candidate, EndFace, Finding, Frame, Inspection, Inspector, Verdict))


@pytest.mark.train
def test_the_trainer_s_four_functions_are_where_they_were() -> None:
    """`trainer.build_model`, `train`, `load` and `predict`."""
    pytest.importorskip("tensorflow", reason="the train extra (TensorFlow) is not installed")
    import trainer

    assert all(callable(getattr(trainer, name)) for name in ("build_model", "train", "load", "predict"))


def test_the_map_shows_the_house(repo: Path) -> None:
    """docs/code.md holds every file with its own first line, and names no file that is not there."""
    done = _run(sys.executable, repo / "scripts" / "make_code_map.py", "--check", cwd=repo, check=False)
    assert done.returncode == 0, done.stderr
    page = (repo / "docs" / "code.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:edge|trainer|scripts|tests)/[\w/.-]*)`", page))
    assert len(named) > 30
    missing = sorted(name for name in named if not (repo / name).exists())
    assert not missing, missing


def test_every_decision_has_its_status_and_its_row(repo: Path) -> None:
    """Each page in docs/decisions says under its title whether it holds; the table there says the same of each."""
    folder = repo / "docs" / "decisions"
    rows = []
    for page in sorted(folder.glob("0*.md")):
        top = re.match(r"# (\d+)\. (.+)\n\n\*\*Status\.\*\* (.+)\n\n", page.read_text(encoding="utf-8"))
        assert top, f"{page.name} does not begin with `# N. Title` and a line `**Status.** ...`"
        number, title, status = top.groups()
        assert int(number) == int(page.name[:4]), page.name
        assert status.startswith(("In force", "Superseded")), page.name
        assert all((folder / name).exists() for name in re.findall(r"\]\((.+?)\)", status)), page.name
        rows.append(f"| [{number}]({page.name}) | {title} | {status} |")
    told = [line for line in (folder / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("| [")]
    assert told == rows


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
