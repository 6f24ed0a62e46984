"""Verdicts held against right ones: what is read, what is counted, and what a plant gets to see."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from ferrule_runs import rows, run
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import UsageError
from edge.records import Status
from edge.validation import Case, Truth, agreement_of, matched, read_truth
from edge.validation.agreement import upper_bound
from edge.validation.page import page_of

PASS, FAIL, UNREADABLE = Status.PASS, Status.FAIL, Status.UNREADABLE


def cases(*counted: tuple[Status, Status, int]) -> list[Case]:
    """So many of each (right, said)."""
    return [
        Case(f"{right.value}-{said.value}-{k}.png", Truth(f"{k}.png", right, "", k + 2), said)
        for right, said, n in counted
        for k in range(n)
    ]


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    """A truth file."""
    path = folder / "truth.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "text", ["file,verdict\na.png,PASS\nb/c.png,fail\n", "File;Verdict\r\na.png;pass\r\nb\\c.png;Fail\r\n"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_what_spreadsheets_write_is_read(tmp_path: Path, text: str, encoding: str) -> None:
    """Commas or semicolons, any case, either line end, either slash, with or without a byte order mark."""
    read = read_truth(written(tmp_path, text, encoding))
    assert [(row.file, row.status, row.line) for row in read] == [("a.png", PASS, 2), ("b/c.png", FAIL, 3)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no column 'file'"),
        ("name,verdict\na,PASS\n", "no column 'file'"),
        ("file,verdict\n", "no row"),
        ("file,verdict\na.png,MAYBE\n", "line 2: verdict 'MAYBE'; expected a file and PASS or FAIL"),
        ("file,verdict\na.png\n", "line 2: verdict ''"),
        ("file,verdict\n,PASS\n", "line 2: no file"),
        ("file,verdict\na.png,PASS\na.png,FAIL\n", "a.png stands in lines 2 and 3"),
        ('file,verdict\n"a.png,PASS\n', "expected a CSV"),
    ],
)
def test_a_truth_that_is_none_is_refused(tmp_path: Path, text: str, why: str) -> None:
    """With the line, what stands there, and what was expected: a row dropped in silence makes a better figure."""
    with pytest.raises(UsageError, match=re.escape(why)):
        read_truth(written(tmp_path, text))


def test_a_truth_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """No file, a folder, bytes that are no text."""
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            read_truth(path)
    (tmp_path / "bad.csv").write_bytes(b"file,verdict\n\xff\xfe,PASS\n")
    with pytest.raises(UsageError, match="UTF-8"):
        read_truth(tmp_path / "bad.csv")


def test_rows_find_their_pictures_by_the_end_of_the_path() -> None:
    """As many folders as tell it from others; what fits two is refused, what fits none is told."""
    pictures = [Path("x/a/1.png"), Path("x/b/1.png"), Path("x/2.png")]
    found, missing = matched(
        [Truth("b/1.png", FAIL, "", 2), Truth("2.png", PASS, "", 3), Truth("3.png", PASS, "", 4)], pictures
    )
    assert {str(path): row.line for path, row in found.items()} == {"x/b/1.png": 2, "x/2.png": 3}
    assert [row.line for row in missing] == [4]
    with pytest.raises(UsageError, match=r"1\.png may be x/a/1\.png or x/b/1\.png"):
        matched([Truth("1.png", FAIL, "", 2)], pictures)
    with pytest.raises(UsageError, match="lines 2 and 3 are both of"):
        matched([Truth("2.png", FAIL, "", 2), Truth("x/2.png", FAIL, "", 3)], pictures)


@given(st.integers(0, 200), st.integers(1, 200))
def test_the_bound_is_that_of_clopper_and_pearson(n: int, more: int) -> None:
    """At the bound so few are seen in one study of twenty, whatever the counts."""
    of = n + more
    bound = upper_bound(n, of)
    seen = math.fsum(math.comb(of, k) * bound**k * (1 - bound) ** (of - k) for k in range(n + 1))
    assert n / of < bound < 1
    assert seen == pytest.approx(0.05, rel=1e-6)


def test_bounds_that_books_print() -> None:
    """The rule of three, and what docs/cli.md says; nothing seen proves nothing."""
    assert upper_bound(0, 59) == pytest.approx(0.0495, abs=1e-4)
    assert upper_bound(0, 10) == pytest.approx(0.2589, abs=1e-4)
    assert upper_bound(2, 50) == pytest.approx(0.1206, abs=1e-4)
    assert upper_bound(0, 0) == upper_bound(5, 5) == 1.0


def test_the_figures() -> None:
    """Counts, rates of the right ones, effectiveness of all, and Cohen's kappa of those with a verdict."""
    told = agreement_of(
        cases((PASS, PASS, 45), (PASS, FAIL, 15), (FAIL, PASS, 25), (FAIL, FAIL, 15), (FAIL, UNREADABLE, 20))
    )
    assert (told.false_pass.n, told.false_pass.of) == (25, 60)
    assert (told.false_fail.n, told.false_fail.of) == (15, 60)
    assert (told.unreadable.n, told.unreadable.of) == (20, 120)
    assert told.effective.share == pytest.approx(0.5)
    assert told.effective.upper == pytest.approx(1 - upper_bound(60, 120))
    assert told.kappa == pytest.approx(0.1304, abs=1e-4)  # Cohen's textbook table: .60 observed, .54 by chance
    assert agreement_of(cases((PASS, PASS, 3))).kappa is None
    assert agreement_of(cases((PASS, UNREADABLE, 3))).kappa is None


@pytest.mark.parametrize(
    ("n_missed", "grade"), [(0, "acceptable"), (2, "acceptable"), (3, "marginal"), (5, "marginal"), (6, "unacceptable")]
)
def test_grades_are_those_of_aiag(n_missed: int, grade: str) -> None:
    """A miss rate up to 2 % is acceptable, up to 5 % marginal."""
    assert agreement_of(cases((FAIL, FAIL, 100 - n_missed), (FAIL, PASS, n_missed))).false_pass.grade == grade


class Tags(HTMLParser):
    """Which elements a page has, and what it would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Void elements have no end."""
        if tag not in ("meta", "use", "rect", "path", "circle", "ellipse", "image", "line"):
            self.open.append(tag)
        self.fetched += [
            v or "" for k, v in attributes if k in ("src", "href") and not (v or "").startswith(("#", "data:"))
        ]

    def handle_endtag(self, tag: str) -> None:
        """Elements end in order."""
        if tag in self.open:
            assert self.open.pop() == tag


def test_a_page_stands_alone_and_shows_the_worst_first(bench: Path) -> None:
    """One file, nothing to fetch, false PASSes first, hostile names and reasons escaped."""
    Path("verdicts.csv").write_text(
        "file,verdict,reason\ngood.png,FAIL,<script>alert(1)</script>\nbad.png,PASS,\n", encoding="utf-8"
    )
    result = run("validate", "pictures", "--truth", "verdicts.csv", "--page", "page.html")
    assert result.exit_code == 1
    text = Path("page.html").read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    assert (tags.open, tags.fetched) == ([], [])
    assert "<script" not in text
    assert text.index("a bad connector passed") < text.index("a good connector failed")
    assert text.count("<svg") == 2
    assert "2 of 2 pictures differ" in text
    assert "1 of 1" in text


def test_what_is_told(bench: Path) -> None:
    """The counts for people, the same as JSON, and which pictures differ."""
    told = run("validate", "pictures", "--truth", "verdicts.csv", "-r")
    assert told.exit_code == 0
    assert "effectiveness" in told.stdout
    assert "3 of 3" in told.stdout
    (value,) = rows(run("validate", "pictures", "--truth", "verdicts.csv", "-r", "--json", "--quiet").stdout)
    assert value["schema"] == "ferrule/validation/1"
    assert {(c["right"], c["said"]): c["n"] for c in value["counts"]}["PASS", "PASS"] == 2
    assert value["false_pass"] == {
        "n": 0,
        "of": 1,
        "share": 0.0,
        "bound_95": pytest.approx(0.95),
        "grade": "acceptable",
    }
    assert value["differing"] == []


def test_what_is_missing_is_told(bench: Path) -> None:
    """A row without a picture, a picture without a row, one that cannot be read: said, and never counted as right."""
    Path("pictures/broken.png").write_bytes(b"no picture")
    Path("verdicts.csv").write_text("file,verdict\ngood.png,PASS\nbroken.png,PASS\nnone.png,FAIL\n", encoding="utf-8")
    told = run("validate", "pictures", "--truth", "verdicts.csv")
    assert told.exit_code == 3
    assert "truth line 4: no picture none.png" in told.stderr
    assert "1 without a right verdict left out" in told.stdout
    assert "no verdict          1 of 2" in told.stdout


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--truth", "none.csv"], "none.csv: cannot be read"),
        (["--truth", "verdicts.csv", "--page", "nowhere/page.html"], "expected a file in a folder that is there"),
        (["--truth", "verdicts.csv", "--page", "pictures"], "expected a file in a folder that is there"),
    ],
)
def test_bad_use_ends_before_the_first_picture(bench: Path, words: list[str], why: str) -> None:
    """With 2, and a line that says what was expected."""
    told = run("validate", "pictures", *words)
    assert told.exit_code == 2
    assert why in " ".join(told.stderr.split())


def test_no_picture_with_a_right_verdict_is_an_error(bench: Path) -> None:
    """A truth of other pictures gives no figure at all."""
    Path("verdicts.csv").write_text("file,verdict\nelse.png,PASS\n", encoding="utf-8")
    assert run("validate", "pictures", "--truth", "verdicts.csv").exit_code == 2


def test_the_page_of_many_fibres_of_text() -> None:
    """Without a picture, a case tells its problem; a kappa that is none is a dash."""
    told = cases((FAIL, UNREADABLE, 1))
    text = page_of(agreement_of(told), told, {"a": "b < c"}, {})
    assert "b &lt; c" in text
    assert "no verdict on a bad connector" in text
