"""What is kept while inspecting: what is worth a label, once, within the quota and the budget, and never in the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
from ferrule_runs import REPO, TINY, draw_face, finish, process, rows, run
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.capture import CaptureSettings, PatchCapture
from edge.capture.sidecar import RECORDS, UNLABELLED, folder_name, parse_records, pixels_sha256, read_records
from edge.classify import PatchSpec, crop, encode_measures
from edge.classify.patches import prepare
from edge.cli.options import DEFAULT_CAPTURE_MB, DEFAULT_CAPTURE_QUOTA
from edge.errors import UsageError
from edge.records import Candidate, EndFace, Finding, Frame, Identity, Inspection, Status, Verdict
from edge.sources import read_picture

LABELS = ("scratch", "dig", "clean")
SPEC = PatchSpec(28, "median", ("length_um", "rim_gap_um", "box_px"))
FACE = EndFace(200.3, 150.7, 110.123456789, 109.9, 41.0, 0.5678901234567, 0.56, core_confidence=0.1)
EVERYTHING = CaptureSettings(random_share=1.0)


def candidate(x: int, y: int, w: int = 9, h: int = 7) -> Candidate:
    """A mark whose measures are no round numbers."""
    return Candidate(x, y, w, h, w * h, w / 3, w / 7, h / 11, w * h / 9, x / 3, x / 4, x / 2, -31.7, -11.1, 1.0 / 3)


def finding(box: Candidate, scores: Sequence[float], label: str = "") -> Finding:
    """A finding with these scores, in the order of LABELS."""
    best = int(np.argmax(scores))
    return Finding(box, label or LABELS[best], scores[best], dict(zip(LABELS, scores, strict=True)), "B")


def inspection(findings: Sequence[Finding], source: str = "face.png", index: int = 0) -> Inspection:
    """One look at one fibre."""
    return Inspection(
        source, index, datetime(2026, 1, 2, tzinfo=timezone.utc), Verdict(Status.FAIL), Identity("profile", "c" * 64),
        Identity("model", "a" * 64, "runtime"), FACE, None, tuple(findings), {},
    )  # fmt: skip


def picture(seed: int = 0) -> np.ndarray:
    """Noise, so that no two patches are alike."""
    return np.random.default_rng(seed).integers(0, 256, (300, 400), np.uint8)


def opened(folder: Path, settings: CaptureSettings = EVERYTHING, labels: Sequence[str] = LABELS) -> PatchCapture:
    """A capture into the folder, as a new process would begin it."""
    capture = PatchCapture(folder, settings, SPEC.size, threshold=0.43)
    capture.folder.prepare(labels, "fibre-defects")
    return capture


def show(capture: PatchCapture, n: int, seed: int = 0, scores: Sequence[float] = (0.9, 0.06, 0.04)) -> Frame:
    """Shows it n marks on one picture."""
    frame = Frame(picture(seed), f"face{seed}.png")
    marks = [finding(candidate(10 + 11 * (k % 30), 20 + 12 * (k // 30)), scores) for k in range(n)]
    capture.keep(frame, [inspection(marks, frame.source)])
    return frame


def patches(folder: Path) -> list[Path]:
    """The captured pictures, wherever they lie."""
    return sorted(folder.rglob("*.png"))


class TestWhat:
    """Which patches are worth a label."""

    @pytest.mark.parametrize(
        ("scores", "why"),
        [
            ((0.42, 0.3, 0.28), "low score"),
            ((0.49, 0.26, 0.25), "low score"),
            ((0.53, 0.3, 0.17), None),
            ((0.55, 0.4, 0.05), "near tie"),
            ((0.59, 0.41, 0.0), "near tie"),
            ((0.7, 0.3, 0.0), None),
            ((1.0, 0.0, 0.0), None),
        ],
    )
    def test_low_scores_and_near_ties(self, scores: Sequence[float], why: str | None) -> None:
        """Below one half, or a tenth above the threshold; or two labels within a fifth."""
        never = CaptureSettings(random_share=0)
        assert never.reason(finding(candidate(0, 0), scores), 0.4, "0" * 64) == why

    def test_a_threshold_lifts_what_is_low(self) -> None:
        """A model with a high threshold is asked about what lies just above it."""
        sure = finding(candidate(0, 0), (0.86, 0.1, 0.04))
        assert CaptureSettings(random_share=0).reason(sure, 0.8, "0" * 64) == "low score"

    def test_the_random_share_is_what_it_says_and_the_same_every_time(self) -> None:
        """A share of the patches by their own pixels: about as many, and always those."""
        sure = finding(candidate(0, 0), (1.0, 0.0, 0.0))
        hashes = [pixels_sha256(np.array([[k // 256, k % 256]], np.uint8)) for k in range(5000)]
        for share in (0.0, 0.02, 0.3, 1.0):
            wanted = CaptureSettings(random_share=share)
            chosen = [wanted.reason(sure, 0.4, sha256) for sha256 in hashes]
            assert chosen == [wanted.reason(sure, 0.4, sha256) for sha256 in hashes]
            assert chosen.count("random") == pytest.approx(share * 5000, abs=5 * (5000 * share * (1 - share)) ** 0.5)

    @pytest.mark.parametrize("wrong", [{"budget_mb": 0.0}, {"budget_mb": float("nan")}, {"quota": 0}])
    def test_settings_that_cannot_be(self, wrong: dict[str, float]) -> None:
        """A budget or quota of nothing is refused, with the value."""
        with pytest.raises(UsageError, match=r"capture (budget|quota) of"):
            CaptureSettings(**wrong)  # type: ignore[arg-type]


class TestFolder:
    """What is written."""

    @settings(deadline=None, max_examples=25)
    @given(st.tuples(st.integers(-40, 420), st.integers(-40, 320), st.integers(1, 200), st.integers(1, 200)))
    def test_prepare_gives_what_the_model_saw(
        self, tmp_path_factory: pytest.TempPathFactory, box: tuple[int, int, int, int]
    ) -> None:
        """Any box, over the border too: the PNG prepared is the patch, the record measured gives the codes."""
        folder = tmp_path_factory.mktemp("mine")
        mark, pixels = candidate(*box), picture()
        opened(folder).keep(Frame(pixels, "face.png"), [inspection([finding(mark, (0.9, 0.1, 0.0))])])
        (path,) = patches(folder)
        saved = read_picture(path)
        assert np.array_equal(prepare(saved, SPEC), crop(pixels, [mark], SPEC)[0])
        record = read_records(folder)[0][pixels_sha256(saved)]
        assert (record.candidate, record.end_face) == (mark, FACE)
        assert np.array_equal(
            encode_measures([record.candidate], record.end_face, SPEC), encode_measures([mark], FACE, SPEC)
        )

    def test_a_record_tells_all_that_is_known(self, tmp_path: Path) -> None:
        """Names, hashes, scores and the reason stand in the line, and the file is named by the patch's hash."""
        capture = opened(tmp_path / "deep" / "mine")
        frame = show(capture, 1, scores=(0.45, 0.3, 0.25))
        folder = tmp_path / "deep" / "mine"
        (path,) = patches(folder)
        (line,) = (folder / RECORDS).read_text().splitlines()
        told = json.loads(line)
        assert told["schema"] == "ferrule/capture/1"
        assert path == folder / told["file"] == folder / UNLABELLED / "scratch" / f"{told['sha256'][:16]}.png"
        assert told["picture_sha256"] == pixels_sha256(frame.pixels)
        assert (told["why"], told["source"], told["time"]) == ("low score", "face0.png", "2026-01-02T00:00:00.000Z")
        assert told["model"] == {"name": "model", "sha256": "a" * 64, "runtime": "runtime"}
        assert told["scores"] == {"scratch": 0.45, "dig": 0.3, "clean": 0.25}
        assert told["candidate"]["length_um"] == 9 / 7
        assert capture.kept == {"low score": 1}

    def test_there_is_a_folder_to_move_into_for_each_label(self, tmp_path: Path) -> None:
        """And a note that says how; a label that is no name of a folder leaves no trace outside."""
        capture = opened(tmp_path / "mine", labels=("dig", "../out", "a/b", ".hidden"))
        assert {p.name for p in (tmp_path / "mine").iterdir()} == {"dig", UNLABELLED, RECORDS, "README.txt"}
        assert "ferrule-train train --data mine --from fibre-defects" in (tmp_path / "mine" / "README.txt").read_text()
        capture.keep(Frame(picture(), "x"), [inspection([finding(candidate(5, 5), (0.4, 0.3, 0.3), "../out")])])
        assert [p.name for p in tmp_path.iterdir()] == ["mine"]
        assert len(patches(tmp_path / "mine")) == 1

    def test_names_that_are_no_text(self, tmp_path: Path) -> None:
        """A file name that is not UTF-8 comes back as it was."""
        name = os.fsdecode(b'caf\xe9 "\n.png')
        opened(tmp_path).keep(Frame(picture(), name), [inspection([finding(candidate(5, 5), (0.4, 0.3, 0.3))], name)])
        (record,) = read_records(tmp_path)[0].values()
        assert record.source == name


class TestHowMuch:
    """Once, and within limits."""

    def test_nothing_twice(self, tmp_path: Path) -> None:
        """Another run over the same pictures adds nothing, also after patches were labelled, renamed and deleted."""
        show(opened(tmp_path), 20)
        before = (tmp_path / RECORDS).read_bytes()
        first, second, *_ = patches(tmp_path)
        shutil.move(first, tmp_path / "dig" / "renamed by someone.png")
        second.unlink()
        again = opened(tmp_path)
        show(again, 20)
        assert (tmp_path / RECORDS).read_bytes() == before
        assert len(patches(tmp_path)) == 19
        assert (again.kept.total(), again.passed_over) == (0, {"known": 20})

    @settings(deadline=None, max_examples=15)
    @given(st.lists(st.tuples(st.sampled_from(LABELS), st.integers(1, 12)), max_size=6), st.integers(1, 9))
    def test_no_more_wait_than_the_quota(
        self, tmp_path_factory: pytest.TempPathFactory, shown: list[tuple[str, int]], quota: int
    ) -> None:
        """For each of the answers by itself, over several runs."""
        folder = tmp_path_factory.mktemp("mine")
        n_shown: Counter[str] = Counter()
        for seed, (label, n) in enumerate(shown):
            scores = [0.9 if name == label else 0.05 for name in LABELS]
            show(opened(folder, replace(EVERYTHING, quota=quota)), n, seed, scores)
            n_shown[label] += n
        for label in LABELS:
            assert len(patches(folder / UNLABELLED / label)) == min(quota, n_shown[label])

    def test_labelling_makes_room(self, tmp_path: Path) -> None:
        """What was moved out of `unlabelled` waits no more."""
        quota = replace(EVERYTHING, quota=5)
        show(opened(tmp_path, quota), 8)
        for path in patches(tmp_path)[:3]:
            shutil.move(path, tmp_path / "scratch" / path.name)
        later = opened(tmp_path, quota)
        show(later, 8)
        assert (later.kept.total(), later.passed_over) == (3, {"known": 5})

    @settings(deadline=None, max_examples=10)
    @given(st.integers(1, 60), st.integers(0, 40))
    def test_the_budget_holds(self, tmp_path_factory: pytest.TempPathFactory, n_blocks: int, n_there: int) -> None:
        """All files together, in whole blocks and with what lay there before, stay within it."""
        folder = tmp_path_factory.mktemp("mine")
        (folder / "dig").mkdir()
        (folder / "dig" / "big.png").write_bytes(bytes(4096 * n_there))
        capture = opened(folder, replace(EVERYTHING, budget_mb=4096 * n_blocks / 1e6))
        before = capture.folder.used_bytes
        show(capture, 30)
        used = sum(-(-p.stat().st_size // 4096) * 4096 for p in folder.rglob("*") if p.is_file())
        assert used == capture.folder.used_bytes <= max(before, 4096 * n_blocks)
        assert capture.kept.total() + capture.passed_over["over budget"] == 30
        assert (capture.kept.total() == 0) == (before + 8192 > 4096 * n_blocks)

    def test_a_mark_that_stays_in_view_is_kept_once(self, tmp_path: Path) -> None:
        """From frame to frame of a live source, though each has its own noise and the fibre moves; not for another."""
        capture = opened(tmp_path)

        def frame(index: int, *boxes: Candidate, shift_px: int = 0) -> None:
            marks = [finding(replace(box, x_px=box.x_px + shift_px), (0.4, 0.3, 0.3)) for box in boxes]
            seen = replace(inspection(marks, "0", index), end_face=replace(FACE, x_px=FACE.x_px + shift_px))
            capture.keep(Frame(picture(index), "0", index), [seen])

        for index in range(6):
            frame(index, candidate(50, 60), shift_px=5 * index)
        assert capture.kept.total() == 1
        frame(6, candidate(50, 60), candidate(150, 60), shift_px=30)
        assert capture.kept.total() == 2
        assert capture.passed_over == {"seen again": 6}
        for index in range(7, 30):
            frame(index)
        frame(30, candidate(50, 60))
        assert capture.kept.total() == 3


class TestHarm:
    """What may happen to the folder."""

    def test_a_damaged_line_costs_itself(self, tmp_path: Path) -> None:
        """Garbage, a half line at the end and lines of others: the rest is known, and the next line stands alone."""
        show(opened(tmp_path), 3)
        lines = (tmp_path / RECORDS).read_bytes().splitlines(keepends=True)
        garbage = b'\xff\xfe{"schema": 1}\n[[[[\n{"schema": "ferrule/capture/1"}\n' + b"[" * 100_000 + b"\n\n"
        (tmp_path / RECORDS).write_bytes(lines[0] + garbage + lines[1] + lines[2][:-40])
        later = opened(tmp_path)
        assert later.folder.n_damaged == 5
        show(later, 3)
        assert (later.kept.total(), later.passed_over) == (1, {"known": 2})
        assert len(read_records(tmp_path)[0]) == len(patches(tmp_path)) == 3
        assert (tmp_path / RECORDS).read_bytes().startswith(lines[0] + garbage + lines[1])

    def test_a_patch_whose_line_was_never_written_is_taken_again(self, tmp_path: Path) -> None:
        """As after a kill between the two."""
        show(opened(tmp_path), 2)
        (tmp_path / RECORDS).write_bytes(b"")
        later = opened(tmp_path)
        show(later, 2)
        assert later.kept.total() == len(read_records(tmp_path)[0]) == len(patches(tmp_path)) == 2

    def test_a_full_disk_is_an_error_and_what_was_kept_stays(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Neither a half file nor a lost line; with room again it goes on."""
        show(opened(tmp_path), 2)

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr("edge.system.files.os.fdopen", full)
            with pytest.raises(UsageError, match="No space left on device"):
                show(opened(tmp_path), 5)
        assert len(patches(tmp_path)) == len(read_records(tmp_path)[0]) == 2
        show(opened(tmp_path), 5)
        assert len(patches(tmp_path)) == len(read_records(tmp_path)[0]) == 5

    def test_a_folder_that_goes_away(self, tmp_path: Path) -> None:
        """Is said, and not made anew."""
        capture = opened(tmp_path / "mine")
        shutil.rmtree(tmp_path / "mine")
        with pytest.raises(UsageError, match=r"capture folder .*mine: no such file"):
            show(capture, 1)

    def test_two_processes_share_a_folder(self, tmp_path: Path) -> None:
        """Each patch has one file and one line, and neither the quota nor the budget is exceeded."""
        code = (
            "import sys; sys.path[:0] = sys.argv[2:]\n"
            "from test_capture import *\n"
            "import edge.capture.folder; edge.capture.folder._LOCK_S = 120\n"
            "capture = opened(Path(sys.argv[1]), replace(EVERYTHING, quota=150))\n"
            "for seed in range(40): show(capture, 5, seed)\n"
            "print(capture.kept.total(), capture.folder.used_bytes)"
        )
        arguments = [
            sys.executable,
            "-c",
            code,
            str(tmp_path),
            *(str(REPO / p) for p in (".", "tests", "tests/edge/capture")),
        ]
        both = [subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        told = [started.communicate(timeout=120)[0].split() for started in both]
        assert [started.returncode for started in both] == [0, 0]
        assert sum(int(kept) for kept, _ in told) == 150
        records, n_damaged = parse_records((tmp_path / RECORDS).read_bytes())
        assert (len(records), len({r.sha256 for r in records}), n_damaged) == (150, 150, 0)
        assert {tmp_path / r.file for r in records} == set(patches(tmp_path))
        used = sum(-(-p.stat().st_size // 4096) * 4096 for p in tmp_path.rglob("*") if p.is_file())
        assert max(int(bytes_) for _, bytes_ in told) == used

    def test_a_lock_that_is_never_given_back_is_an_error(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Another process that was stopped in the middle does not stop inspection for ever."""
        import fcntl

        capture = opened(tmp_path)
        monkeypatch.setattr("edge.capture.folder._LOCK_S", 0.05)
        with (tmp_path / RECORDS).open("ab") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            with pytest.raises(UsageError, match=r"capture folder .* unavailable"):
                show(capture, 1)


def untimed(text: str) -> list[dict[str, object]]:
    """JSON lines without what differs between two runs."""
    return [{k: v for k, v in row.items() if k not in ("timings_ms", "time")} for row in rows(text)]


class TestCommand:
    """`ferrule inspect --capture` and `ferrule watch --capture`."""

    def test_a_verdict_never_changes(self, bench: Path) -> None:
        """The JSON is the same but for times, and so is the exit code; the summary stands on stderr."""
        without = run("inspect", "face.png", "pictures", "--json")
        capturing = run("inspect", "face.png", "pictures", "--json", "--capture", "mine")
        assert untimed(capturing.stdout) == untimed(without.stdout)
        assert capturing.exit_code == without.exit_code == 1
        assert "captured" in capturing.stderr.splitlines()[-1]
        assert "of 200 MB used" in capturing.stderr.splitlines()[-1]

    def test_a_real_run_and_another(self, bench: Path) -> None:
        """Patches and lines lie there; the second process finds them known, and a killed one harms nothing."""
        command = ("inspect", "pictures", "--model", TINY, "--capture", "mine", "--json")
        with process(*command) as started:
            code, out, err = finish(started)
        assert code == 1
        n_marks = sum(len(row["findings"]) for row in rows(out))
        n_kept = len(patches(bench / "mine"))
        assert 0 < n_kept <= n_marks
        assert f"captured {n_kept} patches in mine (" in err
        with process(*command) as started:
            _, _, err = finish(started)
        assert f"captured 0 patches in mine; not kept: {n_kept} known; 0.0 of 200 MB used" in err
        with process(*command[:-3], "--capture", "killed", "--json") as started:
            assert started.stdout is not None
            started.stdout.readline()
            started.send_signal(signal.SIGKILL)
            started.wait(timeout=60)
        with process(*command[:-3], "--capture", "killed", "--json") as started:
            code, _, _ = finish(started)
        assert code == 1
        assert sorted(p.name for p in patches(bench / "killed")) == sorted(p.name for p in patches(bench / "mine"))
        assert len(read_records(bench / "killed")[0]) == n_kept

    def test_watch_captures_too(self, bench: Path) -> None:
        """A folder watched gives what inspecting it gives, and people's lines keep off stdout."""
        run("inspect", "pictures", "--capture", "one")
        watched = run("watch", "pictures", "--capture", "two")
        assert [p.name for p in patches(bench / "one")] == [p.name for p in patches(bench / "two")]
        assert "captured" not in watched.stdout
        assert watched.stderr.startswith("captured ")
        quiet = run("watch", "pictures", "--capture", "three", "--quiet")
        assert (quiet.stdout, quiet.stderr) == ("", "")

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (["--capture", "face.png"], "capture folder face.png: not a directory"),
            (["--capture", "/proc/nowhere"], "capture folder /proc/nowhere"),
            (["--capture", "mine", "--capture-mb", "0"], "capture budget of 0.0 MB"),
            (["--capture", "mine", "--capture-mb", "nan"], "capture budget of nan MB"),
            (["--capture", "mine", "--capture-quota", "0"], "capture quota of 0 patches"),
            (["--capture", "."], "pictures are read from it, too (face.png)"),
            (["pictures", "--recursive", "--capture", "pictures/mine"], "pictures are read from it, too (pictures)"),
        ],
    )
    def test_what_cannot_be_is_said_first(self, bench: Path, options: list[str], said: str) -> None:
        """One line and 2 before anything is inspected."""
        result = run("inspect", "face.png", *options)
        assert (result.exit_code, result.stdout) == (2, "")
        assert said in result.stderr

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_folder_that_is_read_only(self, bench: Path) -> None:
        """Said before anything is inspected."""
        (bench / "mine").mkdir(mode=0o500)
        result = run("inspect", "face.png", "--capture", "mine")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "permission denied" in result.stderr

    def test_a_disk_that_fills_up_does_not_stop_inspecting(self, bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """One line of error; all verdicts are given, and the exit code is theirs."""

        def full(self: object, *_: object) -> None:
            raise UsageError("capture folder mine: no space left on device")

        monkeypatch.setattr("edge.capture.folder.CaptureFolder.add", full)
        result = run("inspect", "pictures", "face.png", "--capture", "mine", "--json")
        assert result.exit_code == 1
        assert [row["status"] for row in rows(result.stdout)] == ["FAIL", "PASS", "PASS"]
        assert result.stderr.count("no space left on device; inspecting goes on, capturing does not") == 1

    def test_the_defaults_are_the_libraries_own(self) -> None:
        """The command line spells them out for speed."""
        default = CaptureSettings()
        assert (default.budget_mb, default.quota) == (DEFAULT_CAPTURE_MB, DEFAULT_CAPTURE_QUOTA)


def test_names_of_folders() -> None:
    """Letters, digits and a few signs stay; nothing leads out of the folder."""
    assert [folder_name(label) for label in ("dig", "übel-1.b_c")] == ["dig", "übel-1.b_c"]
    for label in ("..", ".", "/", "a/../b", "\0", "", "../../etc"):
        name = folder_name(label)
        assert name not in ("", ".", "..")
        assert "/" not in name


def test_face_drawn_has_marks(bench: Path) -> None:
    """The bench shows marks at all: else the tests above would promise nothing."""
    assert rows(run("inspect", "pictures/bad.png", "--json").stdout)[0]["findings"]
    assert draw_face(2).shape == (600, 800)


def test_a_folder_s_name_may_be_no_text(tmp_path: Path) -> None:
    """The note in it says the name as far as it can be said."""
    folder = tmp_path / os.fsdecode(b"mine\xff")
    opened(folder)
    assert "mine\\udcff" in (folder / "README.txt").read_text(encoding="utf-8")


def test_records_that_are_too_many_are_not_read(tmp_path: Path) -> None:
    """A file of gigabytes under that name is refused before it fills the memory."""
    opened(tmp_path)
    with (tmp_path / "capture.jsonl").open("ab") as file:
        file.truncate(3 * 10**9)
    with pytest.raises(UsageError, match="larger than 64000000 bytes"):
        opened(tmp_path)
