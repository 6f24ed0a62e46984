"""What a picture needs to be judged."""

from __future__ import annotations

from dataclasses import dataclass, fields

from edge.arguments import check_number


@dataclass(frozen=True)
class QualitySettings:
    """What a picture needs to be judged. The limits were chosen by `scripts/calibrate_quality.py` on real end faces.

    Attributes:
        min_focus: least share of its contrast that a scratch 3 um wide (IEC 61300-3-35, the limit of zone B)
            keeps in the blur of this picture.
        min_sector_focus: the same in the worst eighth of the rim. Of 84 real faces the least sharp has .93 there.
        min_brightness: least mean grey of ferrule and glass, over 255.
        min_contrast: least grey step at the cladding's edge, over 255.
        min_sure_contrast: the same, below which the edge may be none: half of it; nothing is judged then.
        max_noise: largest noise of a pixel in the glass (one sigma), over 255.
        max_flat: largest share of one grey level in an eighth of a zone: more is painted over, or clipped.
        smooth_texture: share of the glass, below which it is smooth, where a pixel differs by two grey levels from what
            those two pixels farther in and out make of it. A sensor's noise does that: of 84 real faces one has less.
        min_relative_texture: smooth glass must have so much of what the ferrule beside it has, unless the core's edge
            is sharp: of 84 real faces none has less than .65; blurred by 12 px in the glass, one has more than .55.
        min_lone_texture: smooth glass must have so much where the ferrule is too rough to compare with. Sharp glass in
            such a ferrule has .24; blurred by 1.5 px it has .06.
        min_core_focus: focus from which on the core's edge is sharp.
        max_saturation: largest share of white in the core, in the cladding or in the ferrule around it.
    """

    min_focus: float = 0.95
    min_sector_focus: float = 0.85
    min_brightness: float = 0.33
    min_contrast: float = 0.08
    min_sure_contrast: float = 0.04
    max_noise: float = 0.03
    max_flat: float = 0.9
    smooth_texture: float = 0.3
    min_relative_texture: float = 0.6
    min_lone_texture: float = 0.15
    min_core_focus: float = 0.85
    max_saturation: float = 0.25

    def __post_init__(self) -> None:
        for item in fields(self):
            check_number(getattr(self, item.name), item.name, 0, 1)


DEFAULT_SETTINGS = QualitySettings()
