"""Scenes at random: the spread of microscopes, fibres, light and dirt that the shipped model is trained on.

The ranges are wider than any one bench, on purpose: the model must work on scopes that it never saw. They come from
the physics of the instruments (coaxial light, light from one side, frame grabbers, sharpening cameras) and from the
connectors' standard dimensions, not from a fit to pictures.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trainer.phantom.random_defects import random_defects
from trainer.phantom.scene import Fibre, Light, Scene, Sensor, Texture

SCOPES = ("digital", "grabber", "handheld", "any")
_FIELDS_PX = ((1152, 864), (1280, 960), (640, 480), (1024, 768), (800, 600))


def random_scene(seed: int, scope: str | None = None, clean: bool = False) -> Scene:
    """One scene drawn at random.

    Args:
        seed: equal seeds give equal scenes.
        scope: one of `SCOPES`, or None for any of them.
        clean: True for an end face without a defect.
    """
    rng = np.random.default_rng([seed, 7])
    kind = scope or str(rng.choice(SCOPES, p=[0.33, 0.35, 0.12, 0.2]))
    if kind not in SCOPES:
        raise ValueError(f"unknown scope {scope!r}, expected one of {', '.join(SCOPES)}")
    sensor, light, texture = {"digital": _digital, "grabber": _grabber, "handheld": _handheld, "any": _any}[kind](rng)
    fibre = _fibre(rng, light)
    # The fibre's radius on the picture is what a scope's magnification fixes: between 1/8 and 1/4 of the height.
    scale = fibre.cladding_um / 2 / (sensor.height_px * rng.uniform(0.13, 0.24))
    sensor = replace(sensor, um_per_px=float(scale))
    defects = () if clean else random_defects(rng, fibre, sensor)
    return Scene(fibre, light, sensor, texture, defects, seed)


def _digital(rng: np.random.Generator) -> tuple[Sensor, Light, Texture]:
    """A megapixel camera behind a coaxial objective: bright even ferrule, sharpened edges."""
    size = _FIELDS_PX[rng.choice(5, p=[0.5, 0.2, 0.1, 0.1, 0.1])]
    sensor = Sensor(
        *size,
        fibre_x=rng.uniform(0.4, 0.6),
        fibre_y=rng.uniform(0.38, 0.6),
        blur_px=rng.uniform(0.6, 1.3),
        sharpen=rng.uniform(0.3, 2.2),
        sharpen_px=rng.uniform(0.9, 2.2),
        noise_grey=rng.uniform(0.3, 1.5),
        noise_px=float(rng.choice([0.0, 0.5, 0.8])),
        jpeg=int(rng.choice([0, 70, 80, 88, 95])),
    )
    light = Light(
        ferrule_grey=rng.uniform(130, 215),
        slope_x=rng.normal(0, 0.05),
        slope_y=rng.normal(0, 0.05),
        vignette=rng.uniform(0, 0.3),
        oblique=float(rng.choice([0.0, 0.0, rng.uniform(0, 0.12)])),
        from_deg=rng.uniform(0, 360),
        rim_grey=rng.uniform(10, 60),
        rim_um=rng.uniform(0.4, 1.1),
        rim_uneven=rng.uniform(0, 0.7),
    )
    return sensor, light, _surface_texture(rng, 0.7)


def _grabber(rng: np.random.Generator) -> tuple[Sensor, Light, Texture]:
    """A video camera on a frame grabber: pixels not square, light from one side, a black frame."""
    size = ((720, 576), (640, 480), (720, 480), (768, 576))[rng.choice(4, p=[0.55, 0.2, 0.1, 0.15])]
    sensor = Sensor(
        *size,
        aspect=rng.uniform(0.9, 1.12) if rng.random() < 0.8 else 1.0,
        fibre_x=rng.uniform(0.4, 0.6),
        fibre_y=rng.uniform(0.42, 0.58),
        blur_px=rng.uniform(0.6, 1.2),
        sharpen=rng.uniform(0, 1.2),
        sharpen_px=rng.uniform(0.8, 1.8),
        ringing=max(0.0, rng.uniform(-0.2, 0.7)),
        ringing_px=rng.uniform(2.0, 7.0),
        ringing_tail_px=float(rng.choice([0.0, rng.uniform(1.0, 5.0)], p=[0.4, 0.6])),
        noise_grey=rng.uniform(0.6, 2.6),
        noise_px=float(rng.choice([0.0, 0.5, 0.7])),
        jpeg=int(rng.choice([0, 70, 80, 88, 95])),
        border_px=int(rng.choice([0, 6, 10, 16])),
    )
    light = Light(
        ferrule_grey=rng.uniform(80, 195),
        slope_x=rng.normal(0, 0.18),
        slope_y=rng.normal(0, 0.18),
        vignette=rng.uniform(0, 0.35),
        oblique=rng.uniform(0.15, 0.7),
        twin=rng.uniform(0.4, 1.2),
        from_deg=rng.normal(0, 25) + (0 if rng.random() < 0.6 else rng.uniform(0, 360)),
        rim_grey=rng.uniform(0, 25),
        rim_um=rng.uniform(0.8, 1.8),
        rim_uneven=rng.uniform(0, 0.5),
        shadow=float(rng.choice([0, 0, 0.2])),
    )
    return sensor, light, _surface_texture(rng, 1.2)


def _handheld(rng: np.random.Generator) -> tuple[Sensor, Light, Texture]:
    """A probe in the field: smaller picture, softer, noisier, darker."""
    sensor = Sensor(
        640,
        480,
        fibre_x=rng.uniform(0.38, 0.62),
        fibre_y=rng.uniform(0.38, 0.62),
        blur_px=rng.uniform(0.8, 1.8),
        sharpen=rng.uniform(0, 1.0),
        sharpen_px=rng.uniform(0.8, 2.0),
        noise_grey=rng.uniform(1.0, 3.5),
        noise_px=float(rng.choice([0.0, 0.6])),
        jpeg=int(rng.choice([0, 60, 75, 90])),
    )
    light = Light(
        ferrule_grey=rng.uniform(60, 170),
        slope_x=rng.normal(0, 0.2),
        slope_y=rng.normal(0, 0.2),
        vignette=rng.uniform(0, 0.5),
        oblique=rng.uniform(0, 0.3),
        from_deg=rng.uniform(0, 360),
        rim_grey=rng.uniform(5, 40),
        rim_um=rng.uniform(0.8, 2.0),
        rim_uneven=rng.uniform(0, 0.4),
        shadow=float(rng.choice([0, 0, 0.3])),
    )
    return sensor, light, _surface_texture(rng, 1.0)


def _any(rng: np.random.Generator) -> tuple[Sensor, Light, Texture]:
    """Sensor, light and surface each from another scope."""
    makers = (_digital, _grabber, _handheld)
    picks = rng.integers(0, 3, 3)
    return makers[picks[0]](rng)[0], makers[picks[1]](rng)[1], makers[picks[2]](rng)[2]


def _surface_texture(rng: np.random.Generator, strength: float) -> Texture:
    return Texture(
        grain_grey=strength * rng.uniform(0.1, 1.3),
        grain_um=rng.uniform(0.5, 2.5),
        lines_grey=strength * float(rng.choice([0.0, rng.uniform(0.1, 1.0)])),
        lines_deg=rng.uniform(0, 180),
        mottle_grey=strength * rng.uniform(0, 0.6),
    )


def _fibre(rng: np.random.Generator, light: Light) -> Fibre:
    cladding = float(rng.choice([125.0, 140.0], p=[0.7, 0.3]))
    core = float(rng.choice([50.0, 62.5, 9.0])) if cladding == 125 else float(rng.choice([95.0, 100.0, 90.0]))
    glass = light.ferrule_grey * rng.uniform(0.35, 0.75)
    lit = str(rng.choice(["lit", "faint", "dark"], p=[0.5, 0.4, 0.1]))
    step = {"lit": rng.uniform(8, 110), "faint": rng.normal(0, 4), "dark": -rng.uniform(5, 25)}[lit]
    gap = float(rng.choice([0.0, rng.uniform(0.8, 4.0)], p=[0.6, 0.4]))
    off = rng.uniform(0, 0.7) * gap
    turn = rng.uniform(0, 2 * np.pi)
    return Fibre(
        cladding_um=cladding,
        core_um=core,
        core_off_x_um=rng.normal(0, 0.4),
        core_off_y_um=rng.normal(0, 0.4),
        bore_gap_um=gap,
        bore_off_x_um=off * np.cos(turn),
        bore_off_y_um=off * np.sin(turn),
        cladding_grey=glass,
        core_grey=float(np.clip(glass + step, 15, 245)),
        gap_grey=light.ferrule_grey * rng.uniform(0.15, 0.8),
        gap_uneven=rng.uniform(0, 0.6),
        core_rings=float(np.clip(step, 0, 60)) * rng.uniform(0, 0.35),
        preform_ring=float(rng.choice([0.0, rng.uniform(0, 4)])),
    )
