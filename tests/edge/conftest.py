"""What the tests of the command line share: a shelf of models and a bench with pictures."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import pytest
from ferrule_runs import TINY, draw_face

from edge.classify.bundle import DEFAULT_MODEL


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of shipped models that holds the tiny one under the default name."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    shutil.copy(TINY, folder / f"{DEFAULT_MODEL}.tflite")
    monkeypatch.setattr("edge.classify.bundle.shipped_models_dir", lambda: folder)
    return folder


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shelf: Path) -> Path:
    """The folder that docs/cli.md describes, made the working folder."""
    folder = tmp_path / "bench"
    (folder / "pictures" / "below").mkdir(parents=True)
    cv2.imwrite(str(folder / "face.png"), draw_face())
    cv2.imwrite(str(folder / "pictures" / "good.png"), draw_face())
    cv2.imwrite(str(folder / "pictures" / "bad.png"), draw_face(2))
    cv2.imwrite(str(folder / "pictures" / "below" / "deep.png"), draw_face())
    for label in ("scratch", "dig"):
        (folder / "marks" / label).mkdir(parents=True)
        for k in range(3):
            cv2.imwrite(str(folder / "marks" / label / f"{k}.png"), draw_face(2)[220 : 250 + k, 290:330])
    rows = ["file,verdict,reason", "good.png,PASS,", "pictures/bad.png,FAIL,two marks in the core", "deep.png,PASS,"]
    (folder / "verdicts.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    writer = cv2.VideoWriter(str(folder / "film.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (800, 600))
    for _ in range(10):
        writer.write(cv2.cvtColor(draw_face(), cv2.COLOR_GRAY2BGR))
    writer.release()
    monkeypatch.chdir(folder)
    return folder
