"""Each command of `ferrule` runs once in a process of its own, with every option it has."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_runs import Run, not_run
from ferrule_runs import finish, process

from edge.classify.runtime import choose_runtime
from edge.cli import app

SETUP = "--criteria iec-61300-3-35-2015-sm-upc --model fibre-defects --runtime {runtime}"
KEPT = "--capture mine --capture-mb 9 --capture-quota 9"

FACE = "--cladding 125 --zones A,B --fibres 1 --cleanings 1"
RUNS = (
    Run("inspect face.png", "PASS"),
    Run(
        f"inspect pictures --recursive --json {FACE} --verbose {SETUP} {KEPT}",
        "findings",
        1,
    ),
    Run("inspect face.png pictures --overlay out --overlay-format svg --um-per-px 0.57,0.57", "FAIL", 1),
    Run("inspect pictures/bad.png --quiet --criteria factory-strict", "", 1),
    Run("inspect none.png --json", "status", 3),
    Run(
        f"watch film.avi --every 2 --max-frames 3 --json {FACE} {SETUP} {KEPT}",
        "findings",
    ),
    Run("watch pictures --overlay out --overlay-format png --um-per-px 0.57 --verbose", "FAIL", 1),
    Run("watch face.png --overlay out --overwrite --max-megapixels 2 --quiet", ""),
    Run("inspect face.png --overlay out --overwrite --max-megapixels 2", "PASS"),
    Run(
        "validate pictures --truth verdicts.csv --page page.html --recursive --um-per-px 0.57 --max-megapixels 2 "
        f"--verbose {FACE} {SETUP}",
        "effectiveness",
    ),
    Run("validate pictures/good.png --truth verdicts.csv --json", "false_pass", 3),
    Run("validate pictures/good.png pictures/bad.png --truth verdicts.csv --quiet", "", 3),
    Run("classify marks --json --prob --model fibre-defects-mlp --runtime {runtime}", "scores"),
    Run("classify marks/dig/0.png --max-megapixels 2 --quiet", ""),
    Run("bench --images pictures/bad.png --seconds 0.01 --cold --json " + SETUP, "patch"),
    Run("bench --images pictures/bad.png --seconds 0.01 --no-cold --compare none.json --max-regress 20%", "", 2),
    Run("doctor", "criteria:"),
    Run("doctor --json", "machine"),
    Run("models list", "fibre-defects"),
    Run("models list --json", "name"),
    Run("models show fibre-defects", "sha256"),
    Run("models show fibre-defects-mlp --json", "sha256"),
    Run("models verify", "fibre-defects"),
    Run("models verify fibre-defects --runtime {runtime} --json", "model"),
    Run("criteria list", "factory-strict"),
    Run("criteria list --json", "name"),
    Run("criteria show factory-strict", "zone"),
    Run("criteria show factory-strict --json", "text"),
    Run("criteria check factory-strict", "factory-strict"),
    Run("criteria check factory-strict iec-61300-3-35-2015-mm --json", "ok"),
)


@pytest.mark.parametrize("wanted", RUNS, ids=lambda run: run.words)
def test_a_command_in_a_process_of_its_own(bench: Path, wanted: Run) -> None:
    """It leaves with the code that stands in docs/cli.md, prints what it should, and no traceback."""
    words = wanted.words.format(runtime=choose_runtime().name).split()
    with process(*words) as started:
        code, out, err = finish(started)
    assert code == wanted.code, err
    wanted.check_stdout(out)
    assert out == "" or "--quiet" not in words


def test_every_command_and_option_is_run() -> None:
    """A command without a run of its own in `RUNS`, or an option that no run gives, fails here."""
    assert not_run(app.app, RUNS) == {}
