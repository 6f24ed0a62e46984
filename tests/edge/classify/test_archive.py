import io
import zipfile
from pathlib import Path

import pytest

from edge.classify.archive import archive_start, read_member
from edge.errors import ModelError

TINY = Path(__file__).parents[2] / "data" / "tiny.tflite"
COMMENT = b" " * 71


def archive(members: dict[str, bytes], before: bytes = b"graph", method: int = zipfile.ZIP_STORED) -> bytes:
    """Some bytes with an archive behind them, as Python writes it."""
    buffer = io.BytesIO(before)
    with zipfile.ZipFile(buffer, "a", method) as written:
        for name, data in members.items():
            written.writestr(zipfile.ZipInfo(name), data, method)  # its time is 1980, not now
        written.comment = COMMENT
    return buffer.getvalue()


def test_members_are_what_zipfile_reads() -> None:
    """Of a bundle every member is read as Python's own reader reads it."""
    content = TINY.read_bytes()
    with zipfile.ZipFile(TINY) as read:
        assert len(read.namelist()) == 2
        for name in read.namelist():
            assert read_member(content, name, len(COMMENT)) == read.read(name)


@pytest.mark.parametrize("before", [b"g", b"graph" * 99])
def test_the_archive_starts_where_the_graph_ends(before: bytes) -> None:
    """Whatever is before it, and however many members it has."""
    for members in ({"a": b"1"}, {"a": b"", "b": b"22"}):
        assert archive_start(archive(members, before), len(COMMENT)) == len(before)


def test_a_member_that_is_not_there() -> None:
    """It is named in the refusal."""
    with pytest.raises(ModelError, match="there is no b in its archive"):
        read_member(archive({"a": b"1"}), "b", len(COMMENT))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "there is no archive"), (b"x" * 200, "there is no archive"), (archive({"a": b"1"})[:-1], "no archive"),
        (archive({}), "says 0 members"), (archive({f"m{k}": b"" for k in range(17)}), "says 17 members"),
        (archive({"a": b"1" * 99}, method=zipfile.ZIP_DEFLATED), "member 'a' is packed or encrypted"),
        (archive({"a": b"1234"}).replace(b"1234", b"1243"), "member 'a' does not match its checksum"),
        (archive({"a": b"1"})[1:], "its archive"),
    ],
)  # fmt: skip
def test_anything_that_a_bundle_does_not_have_is_refused(content: bytes, message: str) -> None:
    """Missing, cut, empty, crowded, packed, changed and moved archives, each with its reason."""
    with pytest.raises(ModelError, match=message):
        read_member(content, "a", len(COMMENT))
