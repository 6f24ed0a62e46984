"""Defects at random: what bad polishing, dirt and knocks leave on an end face."""

from __future__ import annotations

import numpy as np

from trainer.phantom.scene import Defect, Fibre, Kind, Sensor


def random_defects(rng: np.random.Generator, fibre: Fibre, sensor: Sensor) -> tuple[Defect, ...]:
    """The defects of one end face: mostly a few pits, now and then scratches, dirt and a broken rim."""
    radius = fibre.cladding_um / 2
    reach_x = 0.55 * sensor.width_px * sensor.um_per_px
    reach_y = 0.55 * sensor.height_px * sensor.um_per_px / sensor.aspect
    place = _Places(rng, radius, min(reach_x, 2.3 * radius), min(reach_y, 2.3 * radius))
    harm = float(np.exp(rng.normal(0, 0.6)))
    out: list[Defect] = []
    out += [_dig(rng, place) for _ in range(rng.poisson(9 * harm))]
    if rng.random() < 0.7:
        out += _scratches(rng, place, harm)
    if rng.random() < 0.45:  # end faces are cleaned before they are looked at
        out += _dirt(rng, place, harm)
    if rng.random() < 0.6:
        out += _chips(rng, radius, harm)
    order = rng.permutation(len(out))
    return tuple(out[i] for i in order)


class _Places:
    """Where defects lie: anywhere in the picture, or on the glass, but never on the rim by chance."""

    def __init__(self, rng: np.random.Generator, radius_um: float, reach_x_um: float, reach_y_um: float) -> None:
        self._rng = rng
        self._radius_um = radius_um
        self._reach_x_um = reach_x_um
        self._reach_y_um = reach_y_um

    def anywhere(self, size_um: float) -> tuple[float, float]:
        rng = self._rng
        for _ in range(30):
            if rng.random() < 0.3:
                r, a = self._radius_um * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
                x, y = r * np.cos(a), r * np.sin(a)
            else:
                x, y = rng.uniform(-1, 1) * self._reach_x_um, rng.uniform(-1, 1) * self._reach_y_um
            if abs(np.hypot(x, y) - self._radius_um) > size_um / 2 + 4.0:
                break
        return float(x), float(y)


_BEND: dict[Kind, float] = {"particle": 0.0, "droplets": 0.3, "hair": 0.15, "film": 0.15}
"""Standard deviation of the sagitta over the length: drops and fibres that a wiper leaves behind lie in bows."""


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(0, 2**31))


def _contrast(rng: np.random.Generator, low: float, high: float, bright: float) -> float:
    size = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    return size if rng.random() < bright else -size


def _dig(rng: np.random.Generator, place: _Places) -> Defect:
    size = float(np.clip(np.exp(rng.normal(np.log(2.4), 0.45)), 0.9, 9))
    x, y = place.anywhere(size)
    return Defect(
        "dig",
        x,
        y,
        size_um=size,
        angle_deg=rng.uniform(0, 180),
        contrast=_contrast(rng, 0.12, 0.9, 0.06),
        roughness=rng.uniform(0, 1.0),
        relief=rng.uniform(0.3, 2.5),
        elongation=min(1.0 + rng.exponential(0.4), 2.2),
        hollow=float(rng.choice([0.0, 0.0, 0.0, 0.5])) if size > 4 else 0.0,
        soft_um=float(rng.choice([0.0, rng.uniform(0.2, 1.2)], p=[0.7, 0.3])),
        seed=_seed(rng),
    )


def _scratches(rng: np.random.Generator, place: _Places, harm: float) -> list[Defect]:
    """Single ones, lanes side by side, and the short skips of a grain that also dug in."""
    out = []
    for _ in range(int(rng.integers(1, 4))):
        lanes = 1 if rng.random() < 0.6 else int(rng.integers(2, 8))
        length = float(np.exp(rng.uniform(np.log(10), np.log(260))))
        angle, bend = rng.uniform(0, 180), float(rng.choice([0.0, rng.normal(0, 0.08)]))
        kept = float(rng.choice([0.0, rng.uniform(0.02, 0.25), rng.uniform(0.1, 0.7)]))
        contrast, width = _contrast(rng, 0.05, 0.7, 0.15), float(np.exp(rng.uniform(np.log(0.5), np.log(3.2))))
        soft = float(rng.choice([0.0, rng.uniform(0.7, 4.0)], p=[0.7, 0.3]))
        x, y = place.anywhere(0.0)
        across, along = np.deg2rad(angle + 90), np.deg2rad(angle)
        soft = min(soft, 0.12 * length)
        spread, fan = rng.uniform(2, 9), float(rng.choice([1.5, 8.0], p=[0.7, 0.3]))
        width = width * (1.0 + 0.4 * soft)
        for lane in range(lanes):
            off = (lane - lanes / 2) * spread * rng.uniform(0.7, 1.3)
            slip = rng.normal(0, 0.1) * length
            out.append(
                Defect(
                    "scratch",
                    float(x + off * np.cos(across) + slip * np.cos(along)),
                    float(y + off * np.sin(across) + slip * np.sin(along)),
                    size_um=max(length * rng.uniform(0.6, 1.1), 4.0 * width),
                    width_um=width * rng.uniform(0.7, 1.3),
                    angle_deg=angle + rng.normal(0, fan),
                    soft_um=soft,
                    contrast=contrast * rng.uniform(0.6, 1.2),
                    bend=bend,
                    dotted=kept * rng.uniform(0.6, 1.3),
                    roughness=rng.uniform(0, 1),
                    relief=rng.uniform(0.3, 2.0),
                    seed=_seed(rng),
                )
            )
        if lanes == 1 and length < 40 and rng.random() < 0.5:
            out.append(_skip_head(rng, out[-1]))
    return out


def _skip_head(rng: np.random.Generator, scratch: Defect) -> Defect:
    """The deepest place of a short scratch; it belongs to it."""
    at = rng.uniform(-0.3, 0.3) * scratch.size_um
    a = np.deg2rad(scratch.angle_deg)
    return Defect(
        "scratch",
        float(scratch.x_um + at * np.cos(a)),
        float(scratch.y_um + at * np.sin(a)),
        size_um=rng.uniform(2.0, 4.0),
        width_um=rng.uniform(1.5, 3.0),
        angle_deg=scratch.angle_deg,
        contrast=_contrast(rng, 0.3, 0.8, 0.0),
        relief=scratch.relief,
        seed=_seed(rng),
    )


def _dirt(rng: np.random.Generator, place: _Places, harm: float) -> list[Defect]:
    out = []
    for _ in range(1 + rng.poisson(1.3 * harm)):
        kind: Kind = ("particle", "droplets", "hair", "film")[rng.choice(4, p=[0.73, 0.20, 0.03, 0.04])]
        size, width, roughness, hollow = 0.0, 4.0, rng.uniform(0.2, 1.0), float(rng.choice([0, rng.uniform(0.3, 0.95)]))
        elongation = 1.0 + rng.exponential(0.35)
        if kind == "particle" and rng.random() < 0.3:
            # A drop on the glass, or out of focus: a round ring.
            size, roughness, elongation = rng.uniform(5.5, 16), rng.uniform(0, 0.12), rng.uniform(1, 1.1)
            hollow = rng.uniform(0.2, 0.95)
        elif kind == "particle":
            size = float(np.clip(np.exp(rng.normal(np.log(12), 0.55)), 6, 70))
        elif kind == "droplets":
            width, elongation = rng.uniform(1.8, 6.0), rng.uniform(1.0, 3.0)
            size = width * float(np.exp(rng.uniform(np.log(4.0), np.log(25.0))))
        elif kind == "hair":
            size, width = rng.uniform(30, 160), rng.uniform(3.5, 8.0)
        else:
            size = rng.uniform(60, 220)
        x, y = place.anywhere(min(size, 40.0))
        out.append(
            Defect(
                kind,
                x,
                y,
                size_um=size,
                width_um=width,
                angle_deg=rng.uniform(0, 180),
                contrast=_contrast(rng, 0.15, 0.9, 0.08) * (0.3 if kind == "film" else 1.0),
                bend=rng.normal(0, _BEND[kind]),
                hollow=hollow,
                roughness=roughness,
                relief=rng.uniform(0, 1.5),
                elongation=float(elongation),
                soft_um=float(rng.choice([0.0, rng.uniform(0.3, 2.0)], p=[0.6, 0.4])),
                seed=_seed(rng),
            )
        )
    return out


def _chips(rng: np.random.Generator, radius_um: float, harm: float) -> list[Defect]:
    out = []
    for _ in range(1 + rng.poisson(1.5 * harm)):
        deep = float(np.clip(np.exp(rng.normal(np.log(2.4), 0.4)), 1.0, 9))
        broken = rng.random() < 0.35
        if rng.random() < 0.2:
            out.append(_crumbled(rng))
            continue
        out.append(
            Defect(
                "chip",
                size_um=deep * (rng.uniform(4, 25) if broken else rng.uniform(0.8, 2.5)),
                width_um=deep,
                angle_deg=rng.uniform(0, 360),
                contrast=_contrast(rng, 0.2, 0.9, 0.2),
                roughness=rng.uniform(0.3, 1.0),
                relief=rng.uniform(0.2, 1.5),
                seed=_seed(rng),
            )
        )
    return out


def _crumbled(rng: np.random.Generator) -> Defect:
    """A stretch of the rim that broke into splinters, a flake's bright scar among them."""
    return Defect(
        "chip",
        size_um=rng.uniform(8, 45),
        width_um=rng.uniform(4, 14),
        angle_deg=rng.uniform(0, 360),
        contrast=-rng.uniform(0.3, 0.9),
        roughness=rng.uniform(0.5, 1.0),
        relief=rng.uniform(0.5, 2.0),
        hollow=rng.uniform(0.1, 1.0),
        seed=_seed(rng),
    )
