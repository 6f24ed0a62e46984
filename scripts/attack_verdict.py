#!/usr/bin/env python3
"""Makes pictures worse or other in ways that must not help, and counts the verdicts that change.

    scripts/attack_verdict.py [--faces 100] [--first-seed 31000] [--endfaces DIR] [--only TEXT] [--json FILE]

Drawn clean faces, drawn dirty ones and, where they are, the labelled real ones are harmed in every way. What is hidden
must not pass, whatever it was. What failed must not pass when it is seen worse. What changes nothing must not change
the verdict. Of the harmless ways it also says how many marks are found again, and how far sizes move.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from attack_harms import HARMLESS, HIDING, SPOILING, Harm
from endface_set import DEFAULT_FOLDER

from edge.arrays import U8
from edge.inspection import Inspector, load_inspector
from edge.judge import connector_status
from edge.locate import locate
from edge.records import Finding, Frame, Inspection
from edge.sources import list_folder, read_picture
from trainer.phantom import random_scene, render

GROUPS: dict[str, dict[str, Harm]] = {"hiding": HIDING, "spoiling": SPOILING, "harmless": HARMLESS}


@dataclass
class Tally:
    """What became of the faces that were harmed in one way."""

    verdicts: Counter[str] = field(default_factory=Counter)
    n_marks: int = 0
    n_again: int = 0
    moved_um: list[float] = field(default_factory=list)


@functools.cache
def inspector() -> Inspector:
    """One a process."""
    return load_inspector()


def inspected(pixels: U8) -> tuple[Inspection, ...]:
    """What Ferrule says with its defaults."""
    return inspector().inspect(Frame(pixels, "harmed"))


def status(inspections: Sequence[Inspection]) -> str:
    """The connector's."""
    return connector_status(i.verdict for i in inspections).value


def one_face(job: tuple[str, int, str, str]) -> list[tuple[str, str, str, str, list[float | None]]]:
    """(group, harm, before, after, how far the size of each mark moved or None where it is gone) of one face."""
    kind, seed, path, only = job
    drawn = kind != "real"
    pixels = render(random_scene(seed, clean=kind == "clean")).pixels if drawn else read_picture(Path(path))
    face = locate(pixels)
    if face is None:
        return []
    told = inspected(pixels)
    before, marks = status(told), [f for i in told for f in i.findings if f.label != "clean" and f.zone]
    out = []
    for group, harms in GROUPS.items():
        for name, harm in harms.items():
            if only in name:
                after = inspected(harm(pixels, face, np.random.default_rng(seed)))
                out.append((group, name, before, status(after), _moved(marks, after, group)))
    return out


def _moved(marks: Sequence[Finding], after: Sequence[Inspection], group: str) -> list[float | None]:
    """For each mark how far its size moved, in um; found again by what a turn does not move: its distance and size."""
    if group != "harmless":
        return []
    left = [f.candidate for i in after for f in i.findings if f.label != "clean"]
    out: list[float | None] = []
    for mark in marks:
        c = mark.candidate
        near = [
            k
            for k in left
            if abs(k.distance_um - c.distance_um) < 2 and 0.5 < (k.diameter_um + 1) / (c.diameter_um + 1) < 2
        ]
        if not near:
            out.append(None)
            continue
        best = min(near, key=lambda k: abs(k.diameter_um - c.diameter_um))
        left.remove(best)
        out.append(best.diameter_um - c.diameter_um)
    return out


def jobs(n: int, first_seed: int, endfaces: Path, only: str) -> Iterator[tuple[str, int, str, str]]:
    """Every face."""
    for seed in range(first_seed, first_seed + n):
        yield "clean", seed, "", only
        yield "dirty", seed, "", only
    if (endfaces / "images").is_dir():
        for number, path in enumerate(list_folder(endfaces / "images")):
            yield "real", number, str(path), only


def main() -> None:
    """Harms, inspects, counts, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=100, help="drawn faces of each kind")
    parser.add_argument("--first-seed", type=int, default=31_000)
    parser.add_argument("--endfaces", type=Path, default=DEFAULT_FOLDER, help="the labelled real pictures")
    parser.add_argument("--only", default="", metavar="TEXT", help="ways that hold this text alone")
    parser.add_argument("--json", type=Path, help="write the counts there, too")
    args = parser.parse_args()
    tallies: dict[tuple[str, str, str], Tally] = {}
    faces = list(jobs(args.faces, args.first_seed, args.endfaces, args.only))
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for (kind, *_), told in zip(faces, pool.map(one_face, faces, chunksize=4), strict=True):
            for group, name, before, after, moved in told:
                tally = tallies.setdefault((group, name, "real" if kind == "real" else "drawn"), Tally())
                tally.verdicts[f"{before} {after}"] += 1
                tally.n_marks += len(moved)
                tally.n_again += sum(x is not None for x in moved)
                tally.moved_um += [abs(x) for x in moved if x is not None]
    _print(tallies)
    if args.json:
        args.json.write_text(json.dumps({" / ".join(k): v.verdicts for k, v in tallies.items()}, indent=1), "utf-8")


def _print(tallies: dict[tuple[str, str, str], Tally]) -> None:
    for group, harms in GROUPS.items():
        heads = f"{'FAIL>PASS':>12}{'PASS>PASS':>12}{'PASS>FAIL':>12}{'marks again':>14}{'moved um':>10}"
        print(f"\n{group:30}{'faces':>14}{heads}")
        total: Counter[str] = Counter()
        for name in harms:
            for kind in ("drawn", "real"):
                tally = tallies.get((group, name, kind))
                if tally is None:
                    continue
                v = tally.verdicts
                total += v
                again = f"{tally.n_again / tally.n_marks:.3f}" if tally.n_marks else ""
                moved = f"{statistics.median(tally.moved_um):.2f}" if tally.moved_um else ""
                print(
                    f"{name:30}{kind:>7}{v.total():>7}{_of(v, 'FAIL', 'PASS'):>12}{_of(v, 'PASS', 'PASS'):>12}"
                    f"{_of(v, 'PASS', 'FAIL'):>12}{again:>14}{moved:>10}"
                )
        for before, after in (("FAIL", "PASS"), ("PASS", "PASS"), ("PASS", "FAIL")):
            print(f"{group}: {before} became {after} in {_of(total, before, after)}")


def _of(verdicts: Counter[str], before: str, after: str) -> str:
    n = sum(count for told, count in verdicts.items() if told.startswith(f"{before} "))
    return f"{verdicts[f'{before} {after}']}/{n}"


if __name__ == "__main__":
    main()
