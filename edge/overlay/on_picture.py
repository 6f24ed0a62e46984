"""What is drawn over a pane of the picture: edges, zones, marks with their sizes, and a scale bar."""

from __future__ import annotations

import math
from collections.abc import Mapping

from edge.judge import Criteria
from edge.judge.breaches import Breach
from edge.judge.profiles import Zone
from edge.labels import CLEAN, SCRATCH, judged_size_um
from edge.overlay.drawing import Box, EllipseItem, Group, Item, Label, Pane, Panel, Path, Pen, text_width
from edge.overlay.marks import GOLD, GREEN, INK, WHITE, label_colour, outline, size_text, slope_of
from edge.overlay.placement import Note, place
from edge.records import EndFace, Finding, Inspection, Unlocated

# Beyond so many, marks that pass are outlined without their size; of those that fail, the first are always told.
_MAX_NOTES = 60
_MAX_TOLD = 8


def over_picture(
    pane: Pane, inspection: Inspection, criteria: Criteria, failing: Mapping[int, Breach], u: float
) -> list[Item]:
    """Everything over one pane, in drawing order; without an end face the place of a fibre that must be there.

    Args:
        pane: where the picture lies on the canvas.
        inspection: what to draw.
        criteria: whose zones.
        failing: the findings that are part of a reason, by their index, each with what it exceeds.
        u: canvas pixels per unit of the design.
    """
    face = inspection.end_face
    if face is None:
        return _place(pane, inspection.unlocated, u)
    tags: list[tuple[Box, Zone]] = []
    rings = [_ring(pane, face, zone, i, tags, u) for i, zone in enumerate(criteria.zones)]
    marks, notes, clear = _marks(pane, face, inspection.findings, failing, u)
    names: list[Item] = []
    for tag, zone in tags:
        names += [Panel(tag, INK, 0.75), Label(tag.x + 3.3 * u, tag.bottom - 3.3 * u, zone.name, 11 * u, WHITE)]
        clear.append(tag)
    return [*_edges(pane, face, u), *rings, *marks, *names, *place(notes, pane.box.grown(-2 * u), clear)]


def _place(pane: Pane, fibre: Unlocated | None, u: float) -> list[Item]:
    """Where a fibre must be that was not located, dashed, with a word on it."""
    if fibre is None or fibre.x_px is None or fibre.y_px is None or fibre.rx_px is None or fibre.ry_px is None:
        return []
    x, y = pane.x(fibre.x_px), pane.y(fibre.y_px)
    pen = Pen(GOLD, 2.4 * u, (7 * u, 6 * u), halo=1.1 * u)
    ring = EllipseItem(x, y, fibre.rx_px * pane.scale_x, fibre.ry_px * pane.scale_y, pen)
    box = Box(x - ring.rx, y - ring.ry, 2 * ring.rx, 2 * ring.ry)
    note = Note("not located", 11 * u, GOLD, box, must=True, bold=True)
    return [Group("place", fibre.why, (ring,)), *place([note], pane.box.grown(-2 * u), [box])]


def _edges(pane: Pane, face: EndFace, u: float) -> list[Item]:
    """The cladding's and the core's edge as they were found, dashed."""
    pen = Pen(GREEN, 1.3 * u, (7 * u, 6 * u), opacity=0.85)
    x, y, rx, ry = pane.x(face.x_px), pane.y(face.y_px), face.cladding_rx_px, face.cladding_ry_px
    found = [("cladding", 1.0)]
    if face.core_r_px is not None:
        # The core's radius is the mean of two; the cladding tells how they differ.
        found.append(("core", face.core_r_px / math.sqrt(rx * ry)))
    return [
        Group(
            f"edge {name}",
            f"edge of the {name}",
            (EllipseItem(x, y, rx * k * pane.scale_x, ry * k * pane.scale_y, pen),),
        )
        for name, k in found
    ]


def _ring(pane: Pane, face: EndFace, zone: Zone, i: int, tags: list[tuple[Box, Zone]], u: float) -> Group:
    """A zone's outer edge; its letter's place is added to `tags`."""
    x, y = pane.x(face.x_px), pane.y(face.y_px)
    rx = zone.outer_radius_um / face.um_per_px_x * pane.scale_x
    ry = zone.outer_radius_um / face.um_per_px_y * pane.scale_y
    # Letters sit on their ring, neighbours at different angles, so that close rings do not push theirs together.
    angle = math.radians(-52 - 14 * (i % 3))
    w, h = text_width(zone.name, 11 * u) + 6.6 * u, 17.6 * u
    tag = Box(x + rx * math.cos(angle) - w / 2, y + ry * math.sin(angle) - h / 2, w, h)
    if tag.inside(pane.box):
        tags.append((tag, zone))
    pen = Pen(WHITE, u, opacity=0.5, halo=0.8 * u)
    title = f"zone {zone.name} {zone.title}".strip() + f", to {zone.outer_um:g} um"
    return Group("zone", title, (EllipseItem(x, y, rx, ry, pen),))


def _marks(
    pane: Pane, face: EndFace, findings: tuple[Finding, ...], failing: Mapping[int, Breach], u: float
) -> tuple[list[Item], list[Note], list[Box]]:
    """Outlines (failing ones last, on top), their texts (failing ones first), and what texts should not hide."""
    order = sorted(
        (i for i, finding in enumerate(findings) if finding.label != CLEAN),
        key=lambda i: (i not in failing, -judged_size_um(findings[i])),
    )
    items: list[Item] = []
    notes: list[Note] = []
    clear: list[Box] = []
    reach_um = _reach_um(pane, face)
    for i in order:
        finding, fails, c = findings[i], i in failing, findings[i].candidate
        box = pane.around(c.x_px, c.y_px, c.w_px, c.h_px).grown((3.5 if fails else 2.5) * u)
        # The box of a long scratch may reach into a pane that the scratch itself passes by.
        if not box.overlap(pane.box) or c.nearest_um > reach_um:
            continue
        colour = label_colour(finding.label)
        pen = Pen(colour, (2.4 if fails else 1.2) * u, halo=(1.1 if fails else 0.6) * u)
        slope = slope_of(c, face) if finding.label == SCRATCH else 0
        # by the rule that it fails, which may not be that of its name
        is_wide = failing[i].is_scratch if fails else finding.label == SCRATCH
        size = size_text(failing[i].size_um(finding) if fails else judged_size_um(finding))
        title = f"{finding.label} {size} um {'wide' if is_wide else 'across'}"
        title += f", zone {finding.zone}" if finding.zone else ", outside the zones"
        kinds = f"mark {finding.label}{' fails' if fails else ''}"
        items.append(Group(kinds, f"{title}, score {finding.score:.2f}", outline(finding.label, box, pen, slope)))
        middle = _middle(box, pane.box, u) if finding.label == SCRATCH else box
        clear.append(middle)
        if fails or len(notes) < _MAX_NOTES:
            text = f"{finding.label} {size} um" if fails else size
            must = fails and len(notes) < _MAX_TOLD
            notes.append(Note(text, (12.5 if fails else 8.0) * u, colour, middle, must=must, bold=fails))
    return items[::-1], notes, clear


def _reach_um(pane: Pane, face: EndFace) -> float:
    """From the centre of the cladding to the pane's farthest corner."""
    x, y = pane.x(face.x_px), pane.y(face.y_px)
    across = max(abs(pane.box.x - x), abs(pane.box.right - x)) / pane.scale_x * face.um_per_px_x
    down = max(abs(pane.box.y - y), abs(pane.box.bottom - y)) / pane.scale_y * face.um_per_px_y
    return math.hypot(across, down)


def _middle(box: Box, frame: Box, u: float) -> Box:
    """The middle of a long scratch's visible part, where its text is sought: its box may span the whole pane."""
    left, top = max(box.x, frame.x), max(box.y, frame.y)
    right, bottom = min(box.right, frame.right), min(box.bottom, frame.bottom)
    w, h = min(right - left, 40 * u), min(bottom - top, 40 * u)
    return Box((left + right - w) / 2, (top + bottom - h) / 2, w, h)


def scale_bar(pane: Pane, face: EndFace | None, u: float) -> list[Item]:
    """A round number of um, at most a sixth of the pane's width, in its lower left corner."""
    if face is None:
        return []
    per_um = pane.scale_x / face.um_per_px_x
    target_um = pane.box.w / 6 / per_um
    power = 10.0 ** math.floor(math.log10(target_um))
    um = max(n * power for n in (1, 2, 5) if n * power <= target_um)
    length, text = um * per_um, f"{um:g} um"
    x, y = pane.box.x + 16 * u, pane.box.bottom - 16 * u
    ground = Box(x - 8 * u, y - 30 * u, max(length, text_width(text, 10 * u) + 2 * u) + 16 * u, 38 * u)
    bar = ((x, y - 5 * u), (x, y), (x + length, y), (x + length, y - 5 * u))
    return [Panel(ground, INK, 0.6), Path(bar, Pen(WHITE, 2 * u)), Label(x + 2 * u, y - 12 * u, text, 10 * u, WHITE)]


def name_of(pane: Pane, name: str, u: float) -> list[Item]:
    """What a pane shows, in its upper left corner."""
    ground = Box(pane.box.x, pane.box.y, text_width(name, 10 * u) + 20 * u, 26 * u)
    return [Panel(ground, INK, 0.6), Label(ground.x + 10 * u, ground.y + 18 * u, name, 10 * u, WHITE)]
