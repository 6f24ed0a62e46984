"""Which tests there are, in which order and on which data, is the same for whoever collects them.

pytest-xdist refuses to run where two of its processes collected different tests, and a test whose data change from run
to run fails for nobody else.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ONE = {"PYTHONHASHSEED": "1", "TZ": "UTC", "LANG": "C.UTF-8", "COLUMNS": "80"}
OTHER = {"PYTHONHASHSEED": "4242", "TZ": "Pacific/Kiritimati", "LANG": "C", "COLUMNS": "200"}
"""What differs between two processes besides the time they start and their numbers."""

CHANGES = {
    "clock": "import gzip\nVALUES = [gzip.compress(b'x')]",
    "clock_behind_an_id": "import time\nVALUES = [pytest.param(int(time.time()), id='now')]",
    "hash_seed": "VALUES = list({'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'})",
    "hash_seed_behind_an_id": "VALUES = [pytest.param(hash('a'), id='hash')]",
    "chance": "import random\nVALUES = [random.random()]",
    "chance_behind_an_id": "import numpy as np\nVALUES = [np.random.default_rng().normal(size=3)]",
    "process": "import os\nVALUES = [os.getpid()]",
    "address": "VALUES = [pytest.param(1, id=repr(object()))]",
    "zone": "import time\nVALUES = [time.localtime(0).tm_hour]",
    "function_of_chance": "import uuid\ndef with_default(x=uuid.uuid4().hex): return x\nVALUES = [with_default]",
}
"""Test modules that are not the same for all, by what they depend on."""

SAME = """
import dataclasses, gzip, numpy as np
@dataclasses.dataclass
class Point:
    x: float
VALUES = [{"a", "b", "c"}, np.random.default_rng(0).normal(size=3), gzip.compress(b"x", mtime=0), Point(2.0),
          lambda: 3, {"a": [1, None]}, Point, object(), np.array(object())]
"""


def collected(folder: Path, out: Path, environment: dict[str, str]) -> list[tuple[str, str]]:
    """Id and digest of the data of every test below `folder`, as a process of its own collects them."""
    tests = Path(__file__).parent
    path = os.pathsep.join([str(tests), str(tests.parent)])
    env = {**os.environ, **environment, "FERRULE_COLLECTED": str(out), "PYTHONPATH": path}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "collection_record",
    ]
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, env=env, cwd=tests.parent)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return [tuple(json.loads(line)) for line in out.read_text(encoding="utf-8").splitlines()]


def collected_twice(folder: Path, tmp_path: Path) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The same by two processes that share neither hash seed, nor zone, nor language, nor the second they began in."""
    one = collected(folder, tmp_path / "one", ONE)
    time.sleep(1.1)  # the coarsest clock that ends up in data counts whole seconds
    return one, collected(folder, tmp_path / "other", OTHER)


@pytest.mark.slow
def test_every_process_collects_the_same_tests(tmp_path: Path) -> None:
    """Ids, order and the parameters' values of the suite hang on no clock, hash seed, zone, language or process."""
    one, other = collected_twice(Path(__file__).parent, tmp_path)
    assert len(one) > 900
    assert [id_ for id_, _ in one] == [id_ for id_, _ in other]
    assert [test for test in one if test not in other] == []


def test_what_is_not_the_same_is_seen(tmp_path: Path) -> None:
    """Each kind of dependence is told from its test's id or data; data that only look volatile are not."""
    folder = tmp_path / "suite"
    folder.mkdir()
    rest = "\n@pytest.mark.parametrize('value', VALUES)\ndef test_it(value): pass\n"
    for name, text in {**CHANGES, "same": SAME}.items():
        (folder / f"test_{name}.py").write_text("import pytest\n" + text + rest)
    one, other = collected_twice(folder, tmp_path)
    changed = {id_.split("::")[0].rpartition("/")[2] for id_, _ in set(one) ^ set(other)}
    moved = {a.split("::")[0].rpartition("/")[2] for (a, _), (b, _) in zip(one, other, strict=True) if a != b}
    assert changed | moved == {f"test_{name}.py" for name in CHANGES}


LISTINGS = {"glob", "rglob", "iterdir", "listdir", "scandir", "walk"}
"""What gives names in an order that the file system chooses."""


def at_import(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.AST | None]]:
    """Every piece of a module that runs when it is imported, with the piece around it; bodies of functions do not."""
    waiting: list[tuple[ast.AST, ast.AST | None]] = [(tree, None)]
    while waiting:
        node, around = waiting.pop()
        yield node, around
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            below: list[ast.AST] = [*node.decorator_list, node.args]
        else:
            below = list(ast.iter_child_nodes(node))
        waiting += [(child, node) for child in below]


def test_no_test_depends_on_the_order_of_a_folder(repo: Path) -> None:
    """What is listed while tests are collected is sorted at once: two machines list one folder in different orders."""
    wrong = []
    for path in sorted((repo / "tests").rglob("*.py")):
        for node, around in at_import(ast.parse(path.read_text(encoding="utf-8"))):
            is_listing = isinstance(node, ast.Call) and getattr(node.func, "attr", "") in LISTINGS
            is_sorted = isinstance(around, ast.Call) and getattr(around.func, "id", "") == "sorted"
            if is_listing and not is_sorted:
                wrong.append(f"{path.relative_to(repo)}:{node.lineno}")  # type: ignore[attr-defined]  # the test looks inside
    assert wrong == []
