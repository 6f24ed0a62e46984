"""What an end face is drawn from: glass, light, sensor, surface, defects, all in um and grey."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["scratch", "dig", "chip", "particle", "hair", "droplets", "film"]

LABEL_OF_KIND: dict[str, str] = {
    "scratch": "scratch",
    "dig": "dig",
    "chip": "chip",
    "particle": "contamination",
    "hair": "contamination",
    "droplets": "contamination",
    "film": "contamination",
}


@dataclass(frozen=True, slots=True)
class Defect:
    """What to draw, in um around the cladding's centre.

    Attributes:
        kind: how it is drawn; `LABEL_OF_KIND` says what it is called.
        x_um: centre, to the right.
        y_um: centre, down.
        size_um: diameter of a dig, particle, film or cloud of droplets; length of a scratch or hair; of a chip,
            how far it reaches along the rim.
        width_um: across a scratch or hair; depth of a chip; diameter of the droplets. Unused otherwise.
        angle_deg: direction of the long axis, from x towards y; of a chip, its place on the rim.
        contrast: change of grey against the ferrule's grey, -1..1, negative where darker.
        bend: sagitta over length of a scratch, hair or row of droplets.
        dotted: 0 for a continuous scratch, up to 1 for one of which few dots remain.
        hollow: 0 for an even tone, 1 where only the outline shows (dried drops, rings out of focus).
        roughness: 0 for a smooth outline, up to 1 for a ragged one.
        relief: how much oblique light draws it: the dark flank and its bright twin.
        elongation: long over short axis of a dig, particle or film, at least 1.
        soft_um: sigma of the blur that a shallow or unfocused mark has of its own.
        seed: of everything that is random inside the shape.
    """

    kind: Kind
    x_um: float = 0.0
    y_um: float = 0.0
    size_um: float = 4.0
    width_um: float = 2.0
    angle_deg: float = 0.0
    contrast: float = -0.4
    bend: float = 0.0
    dotted: float = 0.0
    hollow: float = 0.0
    roughness: float = 0.0
    relief: float = 1.0
    elongation: float = 1.0
    soft_um: float = 0.0
    seed: int = 0

    @property
    def label(self) -> str:
        """The class that a model should name this."""
        return LABEL_OF_KIND[self.kind]


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where um fall on the picture.

    Attributes:
        width_px: columns of the picture.
        height_px: rows of the picture.
        x_px: the cladding's centre.
        y_px: the cladding's centre.
        um_per_px_x: width of a pixel.
        um_per_px_y: height of a pixel.
        cladding_r_um: radius of the glass, where chips sit.
    """

    width_px: int
    height_px: int
    x_px: float
    y_px: float
    um_per_px_x: float
    um_per_px_y: float
    cladding_r_um: float

    def to_px(self, polygon_um: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 2) x, y in um to x, y in pixels."""
        scale = np.array([self.um_per_px_x, self.um_per_px_y])
        return np.asarray(polygon_um / scale + np.array([self.x_px, self.y_px]), np.float64)


@dataclass(frozen=True, slots=True)
class Fibre:
    """The glass.

    Attributes:
        cladding_um: diameter over the glass.
        core_um: diameter of the core; 0 for none to be seen.
        core_off_x_um: how far the core's centre lies to the right of the cladding's.
        core_off_y_um: how far it lies below.
        bore_gap_um: mean distance from the glass to the ferrule's bore; 0 for a single edge.
        bore_off_x_um: how far the bore's centre lies to the right of the glass's.
        bore_off_y_um: how far it lies below.
        cladding_grey: the glass, 0..255 before the light's slope.
        core_grey: the core.
        gap_grey: what fills the bore around the glass.
        gap_uneven: how much that varies around the rim, as a share.
        core_rings: amplitude in grey of the ring pattern in the core.
        preform_ring: amplitude in grey of the faint ring between core and rim.
    """

    cladding_um: float = 125.0
    core_um: float = 50.0
    core_off_x_um: float = 0.0
    core_off_y_um: float = 0.0
    bore_gap_um: float = 0.0
    bore_off_x_um: float = 0.0
    bore_off_y_um: float = 0.0
    cladding_grey: float = 85.0
    core_grey: float = 100.0
    gap_grey: float = 60.0
    gap_uneven: float = 0.0
    core_rings: float = 0.0
    preform_ring: float = 0.0


@dataclass(frozen=True, slots=True)
class Light:
    """How the ferrule is lit.

    Attributes:
        ferrule_grey: the ferrule's grey at the fibre.
        slope_x: change of light from the left to the right border, as a share.
        slope_y: change from top to bottom.
        vignette: share of light that the corners lose.
        oblique: strength of the light from one side, 0 for coaxial; it gives marks their bright twin.
        from_deg: direction in which bright flanks lie, from x towards y.
        twin: how far a mark's bright twin stands off, in sizes of the mark.
        rim_grey: depth of the dark line along the rim, in grey; negative for a bright one.
        rim_um: its width.
        rim_uneven: how much it changes around the rim, 0..1.
        shadow: share of light lost behind a soft edge, for a tilted probe.
    """

    ferrule_grey: float = 185.0
    slope_x: float = 0.0
    slope_y: float = 0.0
    vignette: float = 0.1
    oblique: float = 0.0
    from_deg: float = 0.0
    twin: float = 0.55
    rim_grey: float = 30.0
    rim_um: float = 1.0
    rim_uneven: float = 0.3
    shadow: float = 0.0


@dataclass(frozen=True, slots=True)
class Sensor:
    """What optics, camera and file do to the picture.

    Attributes:
        width_px: columns.
        height_px: rows.
        um_per_px: width of a pixel.
        aspect: rows a circle spans over the columns it spans.
        fibre_x: the cladding's centre as a share of the width.
        fibre_y: the same of the height.
        blur_px: sigma of the optics' blur.
        sharpen: strength of the camera's unsharp mask; it leaves bright halos along dark edges.
        sharpen_px: its sigma.
        ringing: inverted echo along the row of an analogue line, as a share: right of what is dark it is bright.
        ringing_px: how far to the right it lies.
        ringing_tail_px: how slowly it fades further to the right: the length to 1/e; 0 for at once.
        noise_grey: sigma of the noise.
        noise_px: its grain: 0 for independent pixels, else the sigma of the blur it went through.
        jpeg: quality 1..100; 0 for none.
        border_px: width of the black frame around the picture.
    """

    width_px: int = 1152
    height_px: int = 864
    um_per_px: float = 0.4455
    aspect: float = 1.0
    fibre_x: float = 0.5
    fibre_y: float = 0.5
    blur_px: float = 0.8
    sharpen: float = 0.6
    sharpen_px: float = 1.3
    ringing: float = 0.0
    ringing_px: float = 3.5
    ringing_tail_px: float = 0.0
    noise_grey: float = 1.0
    noise_px: float = 0.0
    jpeg: int = 90
    border_px: int = 0


@dataclass(frozen=True, slots=True)
class Texture:
    """The ferrule's surface where nothing is wrong with it.

    Attributes:
        grain_grey: sigma of the zirconia's grain.
        grain_um: its size.
        lines_grey: sigma of the polishing lines.
        lines_deg: their direction.
        mottle_grey: sigma of slow unevenness over tens of um.
    """

    grain_grey: float = 0.6
    grain_um: float = 1.5
    lines_grey: float = 0.3
    lines_deg: float = 30.0
    mottle_grey: float = 0.5


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that `render` needs; two equal scenes are two equal pictures."""

    fibre: Fibre = field(default_factory=Fibre)
    light: Light = field(default_factory=Light)
    sensor: Sensor = field(default_factory=Sensor)
    texture: Texture = field(default_factory=Texture)
    defects: tuple[Defect, ...] = ()
    seed: int = 0
