"""Lays an inspection out: the verdict on top, the picture with zones and marks, a closer look, the small print."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from edge.judge import Criteria
from edge.judge.breaches import Breach, breaches, once_a_mark
from edge.judge.verdict import tightest
from edge.labels import CLEAN, SCRATCH
from edge.overlay.drawing import Box, Drawing, Item, Label, Pane, Panel, Path, Pen, shortened, text_width, wrapped
from edge.overlay.marks import GOLD, GREEN, INK, PALE, STATUS_COLOURS, WHITE, label_colour, outline, sign_of
from edge.overlay.on_picture import name_of, over_picture, scale_bar
from edge.records import EndFace, Inspection, Status

# A picture is shown no lower and no longer than this, so that texts can be read and files stay small.
_MIN_HEIGHT, _MAX_SIDE = 720, 4096
# Texts and lines are drawn for a picture of this height, and grow with it.
_DESIGN_HEIGHT = 864.0
_MAX_REASONS_ON_TOP = 4
# A closer look is worth its place from this magnification on.
_MIN_ZOOM = 1.25


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where things stand on the canvas; `u` is its pixels per unit of the design."""

    u: float
    scale_x: float
    scale_y: float
    picture: Box
    side: Box
    head: Box
    foot: Box


def layout(width_px: int, height_px: int, inspection: Inspection, criteria: Criteria) -> Drawing:
    """The drawing for a picture of this size."""
    face, verdict = inspection.end_face, inspection.verdict
    # the first breach of a mark is the one that its reason tells
    failing: dict[int, Breach] = {}
    for breach in once_a_mark(breaches(inspection.findings, criteria)):
        failing.update({i: breach for i in breach.members if i not in failing})
    lines, n_told = _lines(inspection, criteria)
    plan = _plan(width_px, height_px, face, len(lines) + bool(verdict.advice))
    about = [f"End face judged by {criteria.identity.name}: {verdict.status.value}."]
    about += [f"{reason.text}." for reason in verdict.reasons]
    about += [f"Advice: {verdict.advice}."] if verdict.advice else []
    drawing = Drawing(
        width=round(plan.head.w),
        height=round(plan.foot.bottom),
        ground=INK,
        title=f"{verdict.status.value}: {inspection.source}",
        description=" ".join(about),
    )
    main = Pane(plan.picture, 0.0, 0.0, plan.scale_x, plan.scale_y)
    main.items.extend([*over_picture(main, inspection, criteria, failing, plan.u), *scale_bar(main, face, plan.u)])
    drawing.panes.append(main)
    below = plan.side.y
    for pane, name in _closer(plan, face, criteria):
        pane.items.extend(over_picture(pane, inspection, criteria, failing, plan.u))
        pane.items.extend([*name_of(pane, name, plan.u), *scale_bar(pane, face, plan.u)])
        drawing.panes.append(pane)
        below = pane.box.bottom
    if face is not None:
        legend, below = _legend(plan, below, inspection, failing)
        drawing.items.extend([*legend, *_more_reasons(plan, below, inspection, n_told)])
    drawing.items.extend([*_head(plan, inspection, lines), *_foot(plan, inspection)])
    return drawing


def _plan(width_px: int, height_px: int, face: EndFace | None, n_lines: int) -> _Plan:
    # The finer axis keeps its pixels and the coarser one is stretched; a ratio beyond 4 is no camera's.
    aspect = 1.0 if face is None else min(max(face.um_per_px_x / face.um_per_px_y, 0.25), 4.0)
    sx, sy = max(aspect, 1.0), max(1 / aspect, 1.0)
    k = max(1.0, _MIN_HEIGHT / (height_px * sy))
    k = min(k, _MAX_SIDE / (width_px * sx), _MAX_SIDE / (height_px * sy))
    w, h = max(1, round(width_px * sx * k)), max(1, round(height_px * sy * k))
    u = max(w / 1.3, h, 400.0) / _DESIGN_HEIGHT
    side_w = 0 if face is None else round(330 * u)
    head_h = round((36 + 24 * max(n_lines, 2.5)) * u)
    # A picture may be far narrower or lower than the words about it: it stands in the middle of their room.
    main_w, body_h = max(w, round((950 if face is None else 620) * u)), max(h, round(480 * u))
    return _Plan(
        u=u,
        scale_x=w / width_px,
        scale_y=h / height_px,
        picture=Box((main_w - w) // 2, head_h + (body_h - h) // 2, w, h),
        side=Box(main_w, head_h, side_w, body_h),
        head=Box(0, 0, main_w + side_w, head_h),
        foot=Box(0, head_h + body_h, main_w + side_w, round(56 * u)),
    )


def _closer(plan: _Plan, face: EndFace | None, criteria: Criteria) -> list[tuple[Pane, str]]:
    """The glass and the innermost zone enlarged, where that shows more than the picture does and there is room."""
    if face is None:
        return []
    inner = criteria.zones[0]
    glass_um = max(face.cladding_rx_px * face.um_per_px_x, face.cladding_ry_px * face.um_per_px_y)
    out: list[tuple[Pane, str]] = []
    top, side = plan.side.y, plan.side.w
    for radius_um, name in ((glass_um * 1.08, "the glass"), (inner.outer_radius_um * 1.3, f"zone {inner.name}")):
        # As many um across as down, whatever the pixels.
        scale_x, scale_y = side / 2 / radius_um * face.um_per_px_x, side / 2 / radius_um * face.um_per_px_y
        zoom = scale_x / plan.scale_x
        if zoom < _MIN_ZOOM or top + side > plan.side.bottom - 130 * plan.u:
            continue
        left_px, top_px = face.x_px + 0.5 - side / 2 / scale_x, face.y_px + 0.5 - side / 2 / scale_y
        out.append(
            (Pane(Box(plan.side.x, top, side, side), left_px, top_px, scale_x, scale_y), f"{name}, {zoom:.1f} x larger")
        )
        top += side + round(4 * plan.u)
    return out


def _lines(inspection: Inspection, criteria: Criteria) -> tuple[list[str], int]:
    """What stands beside the verdict: the first reasons, or how near the nearest limit is; and how many reasons."""
    verdict = inspection.verdict
    if verdict.status is not Status.PASS:
        n = len(verdict.reasons)
        n_told = n if n <= _MAX_REASONS_ON_TOP else _MAX_REASONS_ON_TOP - 1
        lines = [reason.text for reason in verdict.reasons[:n_told]]
        return (lines if n_told == n else [*lines, f"and {n - n_told} more reasons"]), n_told
    lines = ["no limit exceeded"]
    close = tightest(inspection.findings, criteria)
    if close is not None and close[1].text not in verdict.advice:
        lines.append(f"nearest to a limit: {close[1].text}")
    return lines, 0


def _head(plan: _Plan, inspection: Inspection, lines: list[str]) -> list[Item]:
    u, verdict = plan.u, inspection.verdict
    fill, ink = STATUS_COLOURS[verdict.status]
    cap = 34 * u
    fibre = f"fibre {inspection.fibre + 1} of {inspection.n_fibres}" if inspection.n_fibres > 1 else ""
    base = plan.head.h / 2 + cap / 2 - (13 * u if fibre else 0)
    sign = Box(24 * u, base - cap * 1.02, 1.04 * cap, 1.04 * cap)
    left = sign.right + 18 * u
    block = Box(0, 0, left + text_width(verdict.status.value, cap, True) + 28 * u, plan.head.h)
    items: list[Item] = [Panel(block, fill), *sign_of(verdict.status, sign, ink)]
    items.append(Label(left, base, verdict.status.value, cap, ink, True))
    if fibre:
        items.append(Label(left, base + 26 * u, fibre, 11 * u, ink))
    x, room = block.right + 22 * u, plan.head.w - block.right - 40 * u
    y = 34 * u
    for line in lines:
        items.append(Label(x, y, shortened(line, 11 * u, room), 11 * u, WHITE))
        y += 24 * u
    if verdict.advice:
        text = shortened(f"> {verdict.advice}", 12 * u, room, True)
        items.append(Label(x, y + 3 * u, text, 12 * u, GOLD, True))
    return items


def _legend(plan: _Plan, top: float, inspection: Inspection, failing: Collection[int]) -> tuple[list[Item], float]:
    """A row for each label: its shape, how many there are, how many are part of a reason; and where the rows end."""
    u = plan.u
    x, y = plan.side.x + 20 * u, top + 34 * u
    items: list[Item] = []
    total = Counter(finding.label for finding in inspection.findings if finding.label != CLEAN)
    bad = Counter(inspection.findings[i].label for i in failing)
    part = "failing" if inspection.verdict.status is Status.FAIL else "undecided"
    if not total:
        items.append(Label(x, y, "no marks found", 10 * u, WHITE))
        y += 26 * u
    for label, n in sorted(total.items(), key=lambda pair: (-bad[pair[0]], -pair[1], pair[0])):
        if y > plan.side.bottom - 12 * u:
            break
        glyph = Box(x, y - 13 * u, 22 * u, 16 * u) if label == SCRATCH else Box(x + 3 * u, y - 13 * u, 16 * u, 16 * u)
        if label == "chip":
            glyph = glyph.grown(-3 * u)
        items += outline(label, glyph, Pen(label_colour(label), 2 * u), slope=-1)
        text = f"{label}: {n}" + (f", {bad[label]} {part}" if bad[label] else "")
        ink = WHITE if bad[label] else PALE
        items.append(Label(x + 36 * u, y, shortened(text, 10 * u, plan.side.w - 60 * u), 10 * u, ink))
        y += 26 * u
    if y < plan.side.bottom - 30 * u:
        items.append(Path(((x, y - 5 * u), (x + 24 * u, y - 5 * u)), Pen(GREEN, 1.6 * u, (5 * u, 4 * u))))
        items.append(Label(x + 36 * u, y, "edges of core and cladding", 9 * u, PALE))
        items.append(Label(x, y + 24 * u, "sizes in um: width of scratches,", 8 * u, PALE))
        items.append(Label(x, y + 42 * u, "diameter of all else", 8 * u, PALE))
        y += 68 * u
    return items, y


def _more_reasons(plan: _Plan, top: float, inspection: Inspection, n_told: int) -> list[Item]:
    """The reasons that found no room on top, as many as find it here."""
    u, rest = plan.u, inspection.verdict.reasons[n_told:]
    x, y = plan.side.x + 20 * u, top + 12 * u
    room = plan.side.w - 36 * u
    items: list[Item] = []
    for i, reason in enumerate(rest):
        rows = wrapped(reason.text, 9 * u, room, 3)
        if y + (len(rows) + (i + 1 < len(rest))) * 17 * u > plan.side.bottom:
            items.append(Label(x, y, f"and {len(rest) - i} more", 9 * u, PALE))
            break
        for row in rows:
            items.append(Label(x, y, row, 9 * u, WHITE))
            y += 17 * u
        y += 7 * u
    return items


def _foot(plan: _Plan, inspection: Inspection) -> list[Item]:
    u, face = plan.u, inspection.end_face
    scale = ""
    if face is not None:
        scale = f"  |  scale from {face.scale_from}: {face.um_per_px_x:.3f} x {face.um_per_px_y:.3f} um per pixel"
    smallest_um = {} if inspection.quality is None else inspection.quality.smallest_um
    shown = [f"{zone} {size[0]:.1f}" for zone, size in smallest_um.items() if math.isfinite(size[0])]
    if shown:
        scale += f"  |  defects show from, um: {', '.join(shown)}"
    model = f"model {inspection.model.name} {inspection.model.sha256[:8]} {inspection.model.runtime}".rstrip()
    rows = (
        f"{inspection.source}  |  {inspection.time.isoformat(sep=' ', timespec='seconds')}{scale}",
        f"criteria {inspection.criteria.name} {inspection.criteria.sha256[:8]}  |  {model}",
    )
    room = plan.foot.w - 32 * u
    return [
        Label(16 * u, plan.foot.y + (22 + 22 * i) * u, shortened(row, 9 * u, room), 9 * u, PALE)
        for i, row in enumerate(rows)
    ]
