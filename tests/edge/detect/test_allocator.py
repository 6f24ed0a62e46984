"""Freed memory is kept for the next frame, and nothing else changes."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest
from drawn_faces import Disc, Drawing, Line, draw

from edge.detect import detect, detector

PAGE_FAULTS = """
import resource, sys
import cv2, numpy as np
from edge.detect import detect, detector
from edge.records import EndFace
cv2.setNumThreads(1)
if sys.argv[1] == "without":
    detector.keep_freed_memory = lambda: None
# drawn without a large array that is freed: such a one would make glibc keep memory, too
pixels = np.full((2000, 2000), 160, np.uint8)
cv2.circle(pixels, (1000, 1000), 495, 80, cv2.FILLED)
face = EndFace(1000.0, 1000.0, 495.0, 495.0, None, 0.126, 0.126)
detect(pixels, face)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
detect(pixels, face)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_it_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without it the candidates are the same to the last bit."""
    pixels, face = draw(Drawing((Disc(-60, 10, 6, -50), Line(20, 60, 2, -45, 40, 0.4))))
    kept = detect(pixels, face)
    monkeypatch.setattr(detector, "keep_freed_memory", lambda: None)
    assert detect(pixels, face) == kept != ()


@pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc" or sys.maxsize < 2**32,
    reason="only the allocator of glibc on 64-bit Linux hands back freed memory this way",
)
def test_a_second_call_has_few_page_faults(repo: Path) -> None:
    """In a process of its own, at 4 megapixels: less than a tenth of what it takes without."""

    def n_page_faults(how: str) -> int:
        done = subprocess.run([sys.executable, "-c", PAGE_FAULTS, how], cwd=repo, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    without = n_page_faults("without")
    assert without > 500
    assert n_page_faults("with") < 0.1 * without
