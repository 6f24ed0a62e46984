"""`ferrule` as a user meets it: what it prints, where, and with which exit code it leaves."""

from __future__ import annotations

import json
import re
import shutil
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from ferrule_runs import DOCS, TINY, draw_face, rows, run

from edge.classify.bundle import DEFAULT_MODEL
from edge.judge import DEFAULT_CRITERIA, FIRST_CRITERIA
from edge.judge.profiles import STANDARDS_DIR
from edge.sources import read_picture


class TestInspect:
    """`ferrule inspect`."""

    def test_a_good_face_passes(self, bench: Path) -> None:
        """One line, a count, and 0."""
        result = run("inspect", "face.png")
        assert result.exit_code == 0
        assert re.match(r"PASS +face\.png\n1 pictures: 1 pass, 0 fail, 0 unreadable \(", result.stdout)
        assert result.stderr == ""

    def test_a_bad_face_fails_with_a_reason(self, bench: Path) -> None:
        """The reason and what to do next stand on the line; the exit code is 1."""
        result = run("inspect", "pictures/bad.png")
        assert result.exit_code == 1
        assert re.match(r"FAIL +pictures/bad\.png  zone A: .* \(\+1 more\); \w+", result.stdout)

    def test_json_is_all_of_stdout(self, bench: Path) -> None:
        """One object a line in the contract's shape; people's lines go to stderr."""
        result = run("inspect", "face.png", "pictures", "--json")
        assert result.exit_code == 1
        told = rows(result.stdout)
        assert [(row["source"], row["status"]) for row in told] == [
            ("face.png", "PASS"),
            ("pictures/bad.png", "FAIL"),
            ("pictures/good.png", "PASS"),
        ]
        assert {row["schema"] for row in told} == {"ferrule/inspection/1"}
        assert "3 pictures: 2 pass, 1 fail" in result.stderr
        assert set(told[0]) >= set(json.loads(re.search(r"```json\n(.*?)```", DOCS.read_text(), re.S)[1]))  # type: ignore[index]

    def test_bad_files_do_not_stop_the_others(self, bench: Path) -> None:
        """Each bad file is one line on stderr and one UNREADABLE object; the rest is inspected; 3."""
        bad = bench / "mixed"
        bad.mkdir()
        (bad / "1 empty.png").touch()
        (bad / "2 text.jpg").write_text("hello")
        (bad / "3 cut.png").write_bytes((bench / "face.png").read_bytes()[:2000])
        shutil.copy(bench / "face.png", bad / "4 good.PNG")
        header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
        chunk = b"IHDR" + header
        (bad / "5 giant.png").write_bytes(
            b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
        )
        cv2.imwrite(str(bad / "6 dot.png"), np.zeros((1, 1), np.uint8))
        cv2.imwrite(str(bad / "7 flat.tif"), np.full((300, 400, 3), 40_000, np.uint16))
        cv2.imwrite(str(bad / "8 float.tif"), np.full((300, 400), np.nan, np.float32))
        result = run("inspect", bad, "missing.png", "--json")
        assert result.exit_code == 3
        told = rows(result.stdout)
        assert [row["status"] for row in told] == ["UNREADABLE"] * 3 + ["PASS"] + ["UNREADABLE"] * 5
        assert all(row["reasons"][0]["text"] for row in told if row["status"] != "PASS")
        errors = [line for line in result.stderr.splitlines() if line.startswith("ferrule: ")]
        assert len(errors) == 6
        for line, said in zip(
            errors, ["empty file", "not a picture", "truncated", "megapixels", "float32", "no such file"], strict=True
        ):
            assert said in line

    @pytest.mark.parametrize("command", ["inspect", "watch", "classify"])
    def test_the_largest_picture_is_an_option(self, bench: Path, command: str) -> None:
        """A picture above the limit is refused with the option's name, one below it is read; no limit is 2."""
        small = run(command, "face.png", "--max-megapixels", "0.01")
        assert small.exit_code == 3
        assert "--max-megapixels 1" in small.stderr
        assert run(command, "face.png", "--max-megapixels", "1").exit_code == 0
        for wrong in ("0", "nan", "-3"):
            assert run(command, "face.png", "--max-megapixels", wrong).exit_code == 2

    def test_an_empty_folder_is_an_error(self, bench: Path) -> None:
        """A folder without pictures is said, and others are still read."""
        (bench / "nothing").mkdir()
        result = run("inspect", "nothing", "face.png")
        assert result.exit_code == 3
        assert "without pictures" in result.stderr
        assert "PASS" in result.stdout

    def test_a_tight_crop_is_judged_for_what_it_shows(self, bench: Path) -> None:
        """UNREADABLE by the standard, with the advice for it; PASS with --zones, whose criteria tell the zones."""
        cv2.imwrite("crop.png", read_picture("face.png")[170:430, 270:530])
        whole, inner = run("inspect", "crop.png", "--json"), run("inspect", "crop.png", "--json", "--zones", "A, B")
        (row,) = rows(whole.stdout)
        assert (whole.exit_code, row["status"]) == (3, "UNREADABLE")
        assert row["reasons"][0]["text"].endswith("of zone D is not in view; A and B in view and clean")
        assert row["advice"].endswith("--zones A,B")
        assert list(row["quality"]["unseen"]) == ["D"]
        (row,) = rows(inner.stdout)
        assert (inner.exit_code, row["status"]) == (0, "PASS")
        assert row["criteria"]["name"] == "iec-61300-3-35-2015-sm-upc[A,B]"
        assert list(row["quality"]["smallest_um"]) == ["A", "B"]

    def test_a_fibre_that_is_missing_is_not_clean(self, bench: Path) -> None:
        """--fibres, or a profile's own number, makes a picture UNREADABLE that shows fewer fibres."""
        profile = (STANDARDS_DIR / "iec-61300-3-35-2015-sm-upc.toml").read_text()
        (bench / "duplex.toml").write_text(profile.replace("cladding_um", "fibres = 2\ncladding_um", 1))
        for option in (["--fibres", "2"], ["--criteria", "duplex.toml"]):
            result = run("inspect", "face.png", "--json", *option)
            assert result.exit_code in (1, 3)
            told = rows(result.stdout)
            assert [(row["fibre"], row["n_fibres"]) for row in told] == [(0, 2), (1, 2)]
            assert [row["end_face"] is None for row in told] == [False, True]
            assert told[1]["status"] == "UNREADABLE"
            assert told[1]["reasons"][0]["text"] == "fibre not located: 1 found, 2 expected"
            assert told[1]["unlocated"] == {"x_px": None, "y_px": None, "rx_px": None, "ry_px": None}
        assert rows(run("inspect", "face.png", "--json", "--fibres", "1").stdout)[0]["unlocated"] is None

    def test_folders_below_are_read_when_asked(self, bench: Path) -> None:
        """--recursive adds what lies below."""
        assert len(rows(run("inspect", "pictures", "--json").stdout)) == 2
        assert len(rows(run("inspect", "pictures", "--json", "--recursive").stdout)) == 3

    @pytest.mark.parametrize(
        ("options", "code", "said"),
        [
            (["--criteria", "nonsense"], 2, "criteria 'nonsense'"),
            (["--model", "nonsense"], 2, "no model 'nonsense'"),
            (["--runtime", "nonsense"], 2, "unknown runtime 'nonsense'"),
            (["--um-per-px", "wide"], 2, "um per pixel 'wide'"),
            (["--um-per-px", "0"], 2, "um per pixel '0'"),
            (["--um-per-px", "1,2,3"], 2, "um per pixel '1,2,3'"),
            (["--um-per-px", "nan"], 2, "um per pixel 'nan'"),
            (["--cladding", "-125"], 2, "cladding of -125"),
            (["--cladding", "nan"], 2, "cladding of nan"),
            (["--zones", "E"], 2, "zone 'E' in iec-61300-3-35-2015-sm-upc; expected some of A, B, C, D"),
            (["--zones", ","], 2, "no zone in iec-61300-3-35-2015-sm-upc"),
            (["--fibres", "0"], 2, "--fibres 0; expected 1 to 72"),
            (["--fibres", "73"], 2, "--fibres 73; expected 1 to 72"),
            (["--cleanings", "-1"], 2, "-1 cleanings"),
            (["--overlay", "out", "--overlay-format", "gif"], 2, "overlay format 'gif'"),
            (["--overlay", "face.png"], 2, "overlay folder face.png"),
            (["--overlay", "/proc/nowhere"], 2, "overlay folder /proc/nowhere"),
            (["--overlay", "."], 2, "holds face.png itself"),
            (["--no-such-option"], 2, "No such option"),
            (["--model", "damaged.tflite"], 4, "damaged.tflite"),
            (["--model", "text.tflite"], 4, "no TFLite model"),
        ],
    )
    def test_what_cannot_be_used_is_said_before_anything_is_done(
        self, bench: Path, options: list[str], code: int, said: str
    ) -> None:
        """Usage errors leave with 2 and a refused model with 4, in one line, and nothing is inspected or written."""
        data = bytearray(TINY.read_bytes())
        data[len(data) // 2] ^= 1
        (bench / "damaged.tflite").write_bytes(data)
        (bench / "text.tflite").write_text("hello")
        before = sorted(bench.rglob("*"))
        result = run("inspect", "face.png", *options)
        assert result.exit_code == code
        assert said in result.stderr
        assert result.stdout == ""
        assert sorted(bench.rglob("*")) == before
        if said[0] != "N":  # Typer's own usage errors are boxed
            assert len(result.stderr.splitlines()) == 1

    @pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<")])
    def test_overlays(self, bench: Path, suffix: str, magic: bytes) -> None:
        """One overlay for each picture that was read, whole, and nothing else in the folder."""
        shutil.copy("face.png", "pictures/face.bmp.png")
        shutil.copytree("pictures", "more")
        result = run("inspect", "face.png", "pictures", "more", "--overlay", "out/deep", "--overlay-format", suffix)
        assert result.exit_code == 1
        made = sorted(p.name for p in (bench / "out" / "deep").iterdir())
        expected = {"face", "bad", "good", "face.bmp", "bad-2", "good-2", "face.bmp-2"}
        assert set(made) == {f"{name}.{suffix}" for name in expected}
        for path in (bench / "out" / "deep").iterdir():
            assert path.read_bytes().startswith(magic)

    def test_quiet_and_verbose(self, bench: Path) -> None:
        """--quiet leaves errors only; --verbose counts what was odd."""
        jpeg = cv2.imencode(".jpg", draw_face())[1].tobytes()
        at = jpeg.index(b"\xff\xda")
        for k in range(3):
            Path(f"stray{k}.jpg").write_bytes(jpeg[:at] + b"\0" + jpeg[at:])
        strays = ["stray0.jpg", "stray1.jpg", "stray2.jpg"]
        assert run("inspect", *strays, "--quiet").output == ""
        assert "extraneous" not in run("inspect", *strays).output
        told = run("inspect", *strays, "--verbose")
        assert "3 x JPEG with extraneous bytes" in told.stdout
        assert told.exit_code == 0

    def test_calibration_and_cladding_set_the_scale(self, bench: Path) -> None:
        """--um-per-px gives the scale, --cladding the diameter it follows from otherwise."""
        (plain,) = rows(run("inspect", "face.png", "--json").stdout)
        (wide,) = rows(run("inspect", "face.png", "--json", "--cladding", "140").stdout)
        (given,) = rows(run("inspect", "face.png", "--json", "--um-per-px", "0.5,0.4").stdout)
        (square,) = rows(run("inspect", "face.png", "--json", "--um-per-px", "0.5").stdout)
        assert wide["end_face"]["um_per_px_x"] == pytest.approx(plain["end_face"]["um_per_px_x"] * 140 / 125, abs=1e-4)
        assert [given["end_face"][k] for k in ("um_per_px_x", "um_per_px_y", "scale_from")] == [0.5, 0.4, "calibration"]
        assert [square["end_face"][k] for k in ("um_per_px_x", "um_per_px_y")] == [0.5, 0.5]

    def test_names_cannot_break_lines_or_colour_the_terminal(self, bench: Path) -> None:
        """Control characters in a file's name are shown as escapes."""
        name = "evil\n\x1b[31mname.png"
        shutil.copy("face.png", name)
        result = run("inspect", name, "missing\n.png")
        assert r"evil\n\x1b[31mname.png" in result.stdout
        assert len(result.stderr.splitlines()) == 1


class TestWatch:
    """`ferrule watch`."""

    def test_a_film_is_graded_frame_by_frame(self, bench: Path) -> None:
        """Every frame has a line with its number; --every and --max-frames thin them out."""
        told = run("watch", "film.avi")
        assert told.exit_code == 0
        assert "film.avi frame 9" in told.stdout
        assert "10 frames: 10 pass" in told.stdout
        indices = [r["index"] for r in rows(run("watch", "film.avi", "--json", "--every", "3").stdout)]
        assert indices == [0, 3, 6, 9]
        some = run("watch", "film.avi", "--json", "--every", "2", "--max-frames", "3", "--overlay", "out")
        assert [r["index"] for r in rows(some.stdout)] == [0, 2, 4]
        assert sorted(p.name for p in Path("out").iterdir()) == [f"film-00000{k}.png" for k in (0, 2, 4)]

    def test_a_lost_frame_is_told_and_not_judged(self, bench: Path) -> None:
        """A film that breaks off ends with an UNREADABLE object, a line on stderr, and 3."""
        data = Path("film.avi").read_bytes()
        Path("cut.avi").write_bytes(data[: len(data) // 2])
        result = run("watch", "cut.avi", "--json")
        assert result.exit_code == 3
        last = rows(result.stdout)[-1]
        assert last["status"] == "UNREADABLE"
        assert "of 10 frames" in last["reasons"][0]["text"]
        assert "cut.avi: the video ends after" in result.stderr

    @pytest.mark.parametrize(
        ("arguments", "code", "said"),
        [
            (["missing.avi"], 3, "no such file"),
            (["face.txt"], 3, "no such file"),
            (["empty"], 3, "without pictures"),
            (["ftp://host/x"], 2, "expected a URL"),
            (["film.avi", "--every", "0"], 2, "--every 0"),
            (["film.avi", "--max-frames", "0"], 2, "--max-frames 0"),
            (["pictures", "--overlay", "pictures"], 2, "name another folder"),
        ],
    )
    def test_what_cannot_be_watched_is_said(self, bench: Path, arguments: list[str], code: int, said: str) -> None:
        """One line on stderr and the documented code."""
        (bench / "empty").mkdir()
        result = run("watch", *arguments)
        assert result.exit_code == code
        assert said in result.stderr
        assert len(result.stderr.splitlines()) == 1


class TestClassify:
    """`ferrule classify`."""

    def test_every_picture_is_named(self, bench: Path) -> None:
        """Folders are read to the bottom; a row keeps the folder and the name that lead to it."""
        result = run("classify", "marks", "--json")
        assert result.exit_code == 0
        told = rows(result.stdout)
        assert [row["source"] for row in told] == [
            f"marks/{label}/{k}.png" for label in ("dig", "scratch") for k in range(3)
        ]
        assert all(set(row) == {"source", "label", "score"} for row in told)
        assert "6 pictures: " in result.stderr

    def test_probabilities_sum_to_one(self, bench: Path) -> None:
        """--prob adds every label's, in JSON and in words."""
        (row,) = rows(run("classify", "marks/dig/0.png", "--json", "--prob").stdout)
        assert sum(row["scores"].values()) == pytest.approx(1, abs=1e-3)
        assert "clean=" in run("classify", "marks/dig/0.png", "--prob").stdout

    def test_batches_do_not_change_answers(self, bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The rows of a run in one batch are those of a run in many."""
        whole = run("classify", "marks", "--json").stdout
        monkeypatch.setattr("edge.cli.classifying.BATCH", 2)
        assert run("classify", "marks", "--json").stdout == whole

    def test_bad_files_do_not_stop_the_others(self, bench: Path) -> None:
        """A bad patch is one line on stderr and, with --json, an object without a label; 3."""
        Path("marks/dig/1.png").write_bytes(b"")
        result = run("classify", "marks", "missing", "--json", "--quiet")
        assert result.exit_code == 3
        told = rows(result.stdout)
        assert len(told) == 7
        lost = [row for row in told if row["label"] is None]
        assert sorted(row["source"] for row in lost) == ["marks/dig/1.png", "missing"]
        assert all(row["score"] is None and row["problem"] for row in lost)
        assert len(result.stderr.splitlines()) == 2


class TestShelf:
    """`ferrule models`, `criteria` and `doctor`."""

    def test_models(self, shelf: Path) -> None:
        """Listed, shown and verified, for people and for programs."""
        assert "tiny-defects 1: scratch, dig" in run("models", "list").stdout
        (row,) = rows(run("models", "list", "--json").stdout)
        assert row["sha256"] == rows(run("models", "show", DEFAULT_MODEL, "--json").stdout)[0]["sha256"]
        assert "labels: scratch, dig, contamination, chip, clean" in run("models", "show", TINY).stdout
        result = run("models", "verify", "--json")
        assert result.exit_code == 0
        assert all(row["ok"] for row in rows(result.stdout))

    def test_a_damaged_model_is_refused(self, shelf: Path) -> None:
        """It is named on stderr, the others are still verified, and the code is 4."""
        (shelf / "worn.tflite").write_bytes(TINY.read_bytes()[:-40])
        for command in (["list"], ["verify"]):
            result = run("models", *command)
            assert result.exit_code == 4
            assert "worn.tflite" in result.stderr
            assert result.stdout
        assert run("models", "show", "worn").exit_code == 4
        assert run("models", "show", "nonsense").exit_code == 2
        assert run("models", "verify", "--runtime", "nonsense").exit_code == 2

    def test_no_models_is_said(self, shelf: Path) -> None:
        """An installation without models says so, and how to go on."""
        (shelf / f"{DEFAULT_MODEL}.tflite").unlink()
        assert "--model" in run("models", "list").stdout

    def test_criteria(self, tmp_path: Path) -> None:
        """Listed with the default first, shown, and checked: 2 for one that cannot be used."""
        assert run("criteria", "list").stdout.startswith(f"{DEFAULT_CRITERIA} (default): ")
        assert [row["default"] for row in rows(run("criteria", "list", "--json").stdout)].count(True) == 1
        assert "zone" in run("criteria", "show", FIRST_CRITERIA).stdout
        assert f"single-mode, one fibre: {FIRST_CRITERIA}" in run("criteria", "show", "auto").stdout
        assert rows(run("criteria", "show", DEFAULT_CRITERIA, "--json").stdout)[0]["name"] == DEFAULT_CRITERIA
        assert run("criteria", "show", "nonsense").exit_code == 2
        mine = tmp_path / "mine.toml"
        mine.write_text("zones = 3")
        assert run("criteria", "check", DEFAULT_CRITERIA).exit_code == 0
        result = run("criteria", "check", DEFAULT_CRITERIA, mine, "--json")
        assert result.exit_code == 2
        assert [row["ok"] for row in rows(result.stdout)] == [True, False]
        assert "mine.toml" in result.stderr

    def test_doctor(self, shelf: Path) -> None:
        """Versions, runtimes with reasons, models and cameras."""
        result = run("doctor")
        assert result.exit_code == 0
        assert "opencv " in result.stdout
        assert re.search(r"runtime \S+ \S+: works", result.stdout)
        assert f"model {DEFAULT_MODEL}: verified" in result.stdout
        (told,) = rows(run("doctor", "--json").stdout)
        assert set(told) >= {"versions", "runtimes", "models", "criteria", "cameras"}

    def test_doctor_says_what_is_broken(self, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A bad model, or no runtime at all, is an error with the reason."""
        (shelf / "worn.tflite").write_bytes(b"TFL3")
        result = run("doctor")
        assert result.exit_code == 4
        assert "ferrule: worn: " in result.stderr
        monkeypatch.setattr("edge.cli.doctor.available_runtimes", lambda: ())
        result = run("doctor", "--json")
        assert result.exit_code == 4
        assert "no TFLite runtime works here" in result.stderr


class TestBench:
    """`ferrule bench`."""

    def test_a_run_is_its_own_baseline(self, bench: Path) -> None:
        """Figures go to stdout as JSON, and a second run may be held against them."""
        quick = ["bench", "--images", "pictures", "--seconds", "0.01", "--no-cold"]
        result = run(*quick, "--json")
        assert result.exit_code == 0
        (figures,) = rows(result.stdout)
        assert figures["schema"] == "ferrule/bench/1"
        Path("baseline.json").write_text(result.stdout)
        told = run(*quick, "--compare", "baseline.json", "--max-regress", "99999%")
        assert told.exit_code == 0
        assert "times the baseline: one patch, hot" in told.stdout

    @pytest.mark.parametrize(
        ("arguments", "code", "said"),
        [
            (["--max-regress", "much"], 2, "--max-regress 'much'"),
            (["--max-regress", "-1"], 2, "--max-regress '-1'"),
            (["--seconds", "0"], 2, "0.0 s for each figure"),
            (["--compare", "face.png"], 2, "baseline face.png"),
            (["--images", "nothing"], 3, "without pictures"),
        ],
    )
    def test_what_cannot_be_measured_is_said(self, bench: Path, arguments: list[str], code: int, said: str) -> None:
        """One line on stderr and the documented code."""
        (bench / "nothing").mkdir()
        result = run("bench", *arguments)
        assert result.exit_code == code
        assert said in result.stderr
        assert len(result.stderr.splitlines()) == 1
