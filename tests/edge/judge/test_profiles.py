"""Profiles: the standards as data, and the user's own."""

import hashlib
import os
import re
from pathlib import Path

import pytest

from edge.errors import UsageError
from edge.judge import FIRST_CRITERIA, list_criteria, load_criteria
from edge.judge.limits import parse_limit
from edge.judge.profile_file import ProfileFile, ZoneTable
from edge.judge.profiles import STANDARDS_DIR
from edge.judge.sentences import describe

DOCS = Path(__file__).parents[3] / "docs" / "criteria.md"
OWN = """
schema = "ferrule/criteria/1"
title = "Line 3, incoming inspection"
sources = ["QP-17 rev. 2"]
cladding_um = 140.0
extra_labels = ["crack", "film"]

[[zones]]
name = "core"
outer_um = 110
scratches = "none"
defects = "none"

[[zones]]
name = "glass"
outer_um = 140.0
scratches = "any <=2; none >2"
defects = "any <3; 2 of 3 to 6; none >6"
labels = { film = "none", contamination = "1 of <=4" }
"""


def test_the_names_that_ship():
    """These profiles ship; a name that goes is a broken promise to whoever wrote it down."""
    names = list_criteria()
    assert names[0] == FIRST_CRITERIA == "iec-61300-3-35-2015-sm-upc"
    assert set(names) == {
        "iec-61300-3-35-2009-mm",
        "iec-61300-3-35-2009-mpo-mm",
        "iec-61300-3-35-2009-mpo-sm",
        "iec-61300-3-35-2009-sm-upc",
        "iec-61300-3-35-2015-mm",
        "iec-61300-3-35-2015-mpo-mm",
        "iec-61300-3-35-2015-mpo-sm",
        "iec-61300-3-35-2015-mpo-sm-apc",
        "iec-61300-3-35-2015-sm-apc",
        "iec-61300-3-35-2015-sm-upc",
        "iec-61300-3-35-2022-mm",
        "iec-61300-3-35-2022-sm",
        "factory-strict",
    }


@pytest.mark.parametrize("name", list_criteria())
def test_every_shipped_profile_loads_and_cites_its_sources(name):
    """Each file loads and cites a source for each zone; its identity is its name and the hash of its bytes."""
    criteria = load_criteria(name)
    assert criteria.identity.name == name
    assert criteria.identity.sha256 == hashlib.sha256(criteria.path.read_bytes()).hexdigest()
    assert all(criteria.sources)
    assert all(zone.source and zone.title for zone in criteria.zones)
    assert criteria.is_confirmed == ("2022" not in name)


@pytest.mark.parametrize(
    ("name", "outer_um"),
    [
        ("iec-61300-3-35-2009-sm-upc", [25, 120, 130, 250]),
        ("iec-61300-3-35-2009-mm", [65, 120, 130, 250]),
        ("iec-61300-3-35-2009-mpo-sm", [25, 115]),
        ("iec-61300-3-35-2009-mpo-mm", [65, 115]),
        ("iec-61300-3-35-2015-sm-upc", [25, 115, 135, 250]),
        ("iec-61300-3-35-2015-sm-apc", [25, 115, 135, 250]),
        ("iec-61300-3-35-2015-mm", [65, 115, 135, 250]),
        ("iec-61300-3-35-2015-mpo-sm", [25, 115]),
        ("iec-61300-3-35-2015-mpo-sm-apc", [25, 115]),
        ("iec-61300-3-35-2015-mpo-mm", [65, 115]),
        ("iec-61300-3-35-2022-sm", [25, 110, 135, 250]),
        ("iec-61300-3-35-2022-mm", [65, 110, 135, 250]),
    ],
)
def test_zones_are_those_of_the_edition(name, outer_um):
    """Outer diameters of A, B, C, D as the reprints give them; multi-fibre profiles have A and B only."""
    zones = load_criteria(name).zones
    assert [zone.outer_um for zone in zones] == outer_um
    assert "".join(zone.name for zone in zones) == "ABCD"[: len(outer_um)]
    assert [zone.inner_um for zone in zones] == [0, *outer_um[:-1]]


def test_where_reprints_disagree_the_profile_says_so():
    """Each disagreement between reprints is named in the zone it concerns."""
    first = {zone.name: " ".join(zone.disagreements) for zone in load_criteria("iec-61300-3-35-2009-mm").zones}
    assert "BICSI allows no scratch" in first["A"]
    assert "JDSU ends zone B at 115 um, BICSI at 120 um" in first["B"]
    assert "BICSI prints none >=5 um" in first["B"]
    assert "none >10 um" in first["D"]
    second = {zone.name: " ".join(zone.disagreements) for zone in load_criteria().zones}
    assert "none >=5 um" in second["B"]
    assert "none >=10 um" in second["D"]


def test_a_profile_of_ones_own(tmp_path):
    """Other zone sets, claddings, labels and limits load from a path; the name is the file's."""
    path = tmp_path / "line-3.toml"
    path.write_text(OWN)
    criteria = load_criteria(path)
    assert criteria.identity.name == "line-3"
    assert criteria.cladding_um == 140.0
    assert [zone.name for zone in criteria.zones] == ["core", "glass"]
    assert criteria.zones[1].limit_for("film").text == "none"
    assert criteria.zones[1].limit_for("dig").text == "any <3; 2 of 3 to 6; none >6"
    assert load_criteria(str(path)) == criteria


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("title =", "titel =", "unknown field `titel`"),
        ('name = "core"', 'name = "core"\nouter_radius_um = 3.0', "unknown field `outer_radius_um`"),
        ('schema = "ferrule/criteria/1"', 'schema = "ferrule/criteria/2"', "schema"),
        ('title = "Line 3, incoming inspection"', 'title = " "', "title and sources"),
        ('sources = ["QP-17 rev. 2"]', "sources = []", "title and sources"),
        ("outer_um = 140.0", "outer_um = 110.0", "zone glass: outer_um = 110.0; expected a diameter above 110 um"),
        ("outer_um = 140.0", "outer_um = nan", "zone glass: outer_um = nan"),
        ("outer_um = 140.0", "outer_um = inf", "zone glass: outer_um = inf"),
        ("outer_um = 110", 'outer_um = "110"', "Expected `float`"),
        ("outer_um = 110", "outer_um = -1", "outer_um = -1.0"),
        ("cladding_um = 140.0", "cladding_um = 0", "cladding_um = 0"),
        ("cladding_um = 140.0", "max_cleanings = -1", "max_cleanings = -1"),
        ('name = "glass"', 'name = "core"', "zone name 'core'"),
        ('name = "glass"', 'name = ""', "zone name ''"),
        ('scratches = "any <=2; none >2"', 'scratches = "any <=2"', "zone glass: limit 'any <=2'"),
        ("film = ", "flim = ", "labels names 'flim'"),
        ("film = ", "scratch = ", "labels names 'scratch'"),
        ('["crack", "film"]', '["Crack", "film"]', "extra_labels holds 'Crack'"),
        ('["crack", "film"]', '["clean", "film"]', "extra_labels holds 'clean'"),
        ("cladding_um = 140.0", 'cleanable = ["dust"]', "cleanable holds 'dust'"),
        ("[[zones]]", "[[zones]", ""),
    ],
)
def test_a_profile_with_a_mistake_is_refused(tmp_path, old, new, says):
    """A misspelt key, a limit that leaves sizes out, rings that do not grow: a UsageError that names file and key."""
    path = tmp_path / "mine.toml"
    path.write_text(OWN.replace(old, new, 1))
    assert path.read_text() != OWN
    with pytest.raises(UsageError, match="mine") as error:
        load_criteria(path)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_profile_without_zones_is_refused(tmp_path):
    """A profile that judges nothing would pass everything."""
    path = tmp_path / "mine.toml"
    path.write_text('schema = "ferrule/criteria/1"\ntitle = "x"\nsources = ["y"]\nzones = []\n')
    with pytest.raises(UsageError, match="zones is empty"):
        load_criteria(path)


@pytest.mark.parametrize(
    ("data", "says"), [(b"", "schema"), (b"\xff\xfe\x00", ""), (b"\x00" * 9, ""), (b"#" * 1_000_001, "larger than")]
)
def test_a_file_that_is_no_profile_is_refused(tmp_path, data, says):
    """Empty, binary and huge files are UsageErrors of one line."""
    path = tmp_path / "mine.toml"
    path.write_bytes(data)
    with pytest.raises(UsageError, match="mine") as error:
        load_criteria(path)
    assert says in str(error.value)


def test_a_name_that_is_not_there_says_what_is(tmp_path):
    """An unknown name is answered with the nearest one that ships, or with all of them; a folder is no profile."""
    with pytest.raises(UsageError, match="did you mean iec-61300-3-35-2015-sm-upc"):
        load_criteria("iec-61300-3-35-2015-sm-ucp")
    with pytest.raises(UsageError, match="one of iec-61300-3-35-2015-sm-upc"):
        load_criteria("x.toml")
    with pytest.raises(UsageError, match="cannot be read"):
        load_criteria(tmp_path)
    with pytest.raises(UsageError, match="cannot be read"):
        load_criteria("a\0b")


def test_a_profile_told_to_people():
    """The table shows each zone with its diameters and limits, then hash, sources, notes and other readings."""
    text = describe(load_criteria())
    lines = text.splitlines()
    assert lines[0].startswith("iec-61300-3-35-2015-sm-upc: ")
    assert "B cladding  25    115  any <=3; none >3   any <2; 5 of 2 to 5; none >5  crack: none" in lines
    assert any(line.startswith("source: Panduit FS061") for line in lines)
    assert any(line.startswith("other reading, zone D: ") for line in lines)
    assert all(line == line.rstrip() for line in lines)
    assert "to be confirmed" in describe(load_criteria("iec-61300-3-35-2022-sm"))


def test_every_profile_is_documented():
    """docs/criteria.md names each profile that ships."""
    text = DOCS.read_text(encoding="utf-8")
    assert [name for name in list_criteria() if f"`{name}`" not in text] == []


def test_the_documented_profile_works(tmp_path):
    """The example of a profile of one's own loads as written, and uses every key there is."""
    found = re.search(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    example = found[1]
    path = tmp_path / "example.toml"
    path.write_text(example, encoding="utf-8")
    criteria = load_criteria(path)
    assert [zone.name for zone in criteria.zones] == ["core", "glass", "ferrule"]
    assert not criteria.is_confirmed
    keys = re.findall(r"^\| (`[^|]+`) \|", DOCS.read_text(encoding="utf-8").split("### Limits")[0], re.MULTILINE)
    documented = {key for row in keys for key in re.findall(r"`(?:zones\.)?(\w+)`", row)}
    fields = {*ProfileFile.__struct_fields__, *ZoneTable.__struct_fields__} - {"zones"}
    assert fields - documented == set()


@pytest.mark.parametrize(
    "limit", re.findall(r"^\| `([^`]+)` \|", DOCS.read_text(encoding="utf-8").split("### Limits")[1], re.MULTILINE)
)
def test_every_documented_limit_can_be_written(limit):
    """Each form in the table of limits is one."""
    assert parse_limit(limit).text == limit


ZONE = '[[zones]]\nname = "{}"\nouter_um = {}\nscratches = "none"\ndefects = "none"\n'
HEAD = 'schema = "ferrule/criteria/1"\ntitle = "a"\nsources = ["b"]\n'
HOSTILE = {
    "5000 digits": HEAD + "max_cleanings = " + "9" * 5000 + "\n" + ZONE.format("A", 25),
    "more than 64 bits": HEAD + "max_cleanings = " + "9" * 40 + "\n" + ZONE.format("A", 25),
    "100000 brackets": "a = " + "[" * 100_000,
    "as many brackets as fit": "a = " + "[" * 60_000,
    "nested as deep as is read": "a = " + "[" * 499,
    "nested tables": "a = " + "{a = " * 499,
    "3000 zones": HEAD + "".join(ZONE.format(f"z{i}", i + 1) for i in range(3000)),
    "100 zones": HEAD + "".join(ZONE.format(f"z{i}", i + 1) for i in range(100)),
    "a key of 30000 parts": HEAD + ".".join("a" * 30_000) + " = 1",
    "a header of 30000 parts": HEAD + "[" + ".".join("a" * 30_000) + "]",
    "a limit of 5000 clauses": HEAD + ZONE.format("A", 25).replace('"none"', '"' + "any <1; " * 5000 + '"', 1),
    "a limit of spaces": HEAD + ZONE.format("A", 25).replace('"none"', '"' + " " * 50_000 + '"', 1),
    "a long title": HEAD.replace('"a"', '"' + "a" * 3000 + '"') + ZONE.format("A", 25),
    "many notes": HEAD + "notes = [" + '"a",' * 5000 + "]\n" + ZONE.format("A", 25),
    "many labels": HEAD + "extra_labels = [" + ",".join(f'"l{i}"' for i in range(500)) + "]\n" + ZONE.format("A", 25),
    "a long label": HEAD + f'extra_labels = ["{"l" * 30_000}"]\n' + ZONE.format("A", 25),
    "a long zone name": HEAD + ZONE.format("A" * 30_000, 25),
    "a long key": HEAD + "a" * 30_000 + " = 1\n" + ZONE.format("A", 25),
    "1e300": HEAD + ZONE.format("A", "1e300"),
    "subnormal": HEAD + ZONE.format("A", "5e-324"),
    "1e999": HEAD + "cladding_um = 1e999\n" + ZONE.format("A", 25),
    "1e-300": HEAD + "cladding_um = 1e-300\n" + ZONE.format("A", 25),
    "nan": HEAD + "cladding_um = nan\n" + ZONE.format("A", 25),
    "a date": HEAD + "cladding_um = 1979-05-27\n" + ZONE.format("A", 25),
    "UTF-16": (HEAD + ZONE.format("A", 25)).encode("utf-16"),
    "zeros": bytes(1000),
    "too large": b"#" * 1_000_000,
    "a second byte order mark": b"\xef\xbb\xbf" * 2 + (HEAD + ZONE.format("A", 25)).encode(),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_whatever_a_file_holds_is_said_in_a_line(tmp_path, kind):
    """A usage error of one line that people can read, at once, and no other exception."""
    content = HOSTILE[kind]
    path = tmp_path / "mine.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())  # type: ignore[attr-defined]  # the test looks inside
    with pytest.raises(UsageError) as caught:
        load_criteria(path)
    assert "mine.toml" in str(caught.value)
    assert len(str(caught.value)) < 1000 + len(str(path))


def test_what_is_no_file_is_not_waited_for(tmp_path):
    """A pipe, a device behind a link, a folder, links in a circle, and names that no file has."""
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    (tmp_path / "circle.toml").symlink_to("circle.toml")
    (tmp_path / "dir.toml").mkdir()
    names = [
        *tmp_path.iterdir(),
        "x" * 5000,
        "\0",
        "\ud800",
        "~nobody-of-that-name/a",
        "",
        tmp_path / "dir.toml" / "a" / "b",
    ]
    for name in names:
        with pytest.raises(UsageError):
            load_criteria(name)


def test_a_byte_order_mark_is_passed_over(tmp_path):
    """An editor's mark changes nothing but the hash, which is of the bytes."""
    plain, marked = tmp_path / "plain.toml", tmp_path / "marked.toml"
    plain.write_text(OWN)
    marked.write_bytes(b"\xef\xbb\xbf" + OWN.encode())
    one, other = load_criteria(plain), load_criteria(marked)
    assert one.zones == other.zones
    assert other.identity.sha256 == hashlib.sha256(marked.read_bytes()).hexdigest() != one.identity.sha256


def test_every_profile_that_ships_is_far_from_the_bounds():
    """What bounds a stranger's file leaves room for anybody's own."""
    for path in STANDARDS_DIR.glob("*.toml"):
        data = path.read_bytes()
        assert 10 * len(data) < 64_000
        assert 10 * (data.count(b"[") + data.count(b"{")) < 500
        assert 3 * len(load_criteria(path).zones) < 16


@pytest.mark.parametrize(
    ("name", "rings"),
    [
        ("iec-61300-3-35-2015-sm-upc", [("A", 0, 12.5, 2, 1), ("B", 12.5, 57.5, 2, 3), ("D", 67.5, 125, 10, None)]),
        ("iec-61300-3-35-2015-sm-apc", [("A", 0, 12.5, 2, 1), ("B", 12.5, 57.5, 2, None), ("D", 67.5, 125, 10, None)]),
        ("iec-61300-3-35-2015-mpo-mm", [("A", 0, 32.5, 2, 3), ("B", 32.5, 57.5, 5, 5)]),
    ],
)
def test_each_zone_says_what_must_be_seen_in_it(name, rings):
    """The smallest size that counts; where every mark does, 2 um for defects and 1 um for scratches."""
    judged = load_criteria(name).judged_rings
    assert [(r.name, r.inner_um, r.outer_um, r.defect_um, r.scratch_um) for r in judged] == rings


def test_a_profile_can_be_restricted_to_some_of_its_zones():
    """Its name tells them, its hash stays; a zone keeps its rings; what is not there is refused."""
    criteria = load_criteria("iec-61300-3-35-2015-sm-upc")
    inner = criteria.restricted(["B", "A"])
    assert inner.identity.name == "iec-61300-3-35-2015-sm-upc[A,B]"
    assert inner.identity.sha256 == criteria.identity.sha256
    assert inner.zones == criteria.zones[:2]
    assert criteria.restricted(["D"]).zones[0].inner_um == 135
    for names, said in ((["E"], "zone 'E' in"), ([], "no zone in"), (["A", "b"], "zone 'b' in")):
        with pytest.raises(UsageError, match=said):
            criteria.restricted(names)
