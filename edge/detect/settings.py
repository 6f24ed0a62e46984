"""How far and how finely `detect` looks.

Where a number in this package names no paper, no standard and no arithmetic, it was chosen on the labelled real end
faces while the detector was built. docs/accuracy.md says what they are, docs/accuracy-notes.md what was tried. For most
numbers, the defaults below included, it is not known which range was tried.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.arguments import check_number


@dataclass(frozen=True, slots=True)
class DetectSettings:
    """How far and how finely to look for marks. Nothing here depends on the standard.

    A pixel deviates where it differs from the expected background; its limit depends on the noise around it. No limit
    is above 63 grey levels (with the default `follow`), however strong the noise.

    Attributes:
        reach: how far to look, in cladding radii.
        smooth_px: one sigma of the blur before marks are looked for: about the size of the smallest mark that can be
            told from noise and from the 8x8 blocks of JPEG.
        limit_sigma: deviation that makes a mark, in sigma of the noise.
        limit_grey: deviation that makes a mark, in grey levels, where the noise is weak; with 9 fewer marks were
            found.
        follow: share of the limit down to which the pixels around a mark belong to it (hysteresis).
        share: share of the strongest deviation nearby that a pixel must exceed to belong to a mark, so that a strong
            mark does not run into its neighbours.
        min_noise_grey: noise assumed where the picture shows less, one sigma in grey levels.
        edge_wander_px: one sigma of how far an edge may lie off its circle.
        sharp: radius, in cladding radii, within which steep places of the background are worked out pixel by pixel.
        hub: radius, in cladding radii, within which circles are short against marks.
        min_piece_px: smallest piece below the limit that may be joined to a scratch, in pixels.
        gap: largest gap within a scratch, in cladding radii.
        faint: length, in cladding radii, from which on a line is a scratch though none of its pixels exceeds the limit.
        faint_sigma: what the mean of 16 pixels on such a line must exceed, in sigma of the noise of one pixel.
        faint_grey: the same in grey levels, where the noise is weak; about what JPEG leaves between its blocks.

    Raises:
        UsageError: a setting is outside its range.
    """

    reach: float = 2.0
    smooth_px: float = 1.4
    limit_sigma: float = 5.0
    limit_grey: float = 8.0
    follow: float = 0.5
    share: float = 0.2
    min_noise_grey: float = 0.8
    edge_wander_px: float = 0.1
    sharp: float = 1.2
    hub: float = 0.22
    min_piece_px: int = 4
    gap: float = 0.08
    faint: float = 0.4
    faint_sigma: float = 1.25
    faint_grey: float = 1.25

    def __post_init__(self) -> None:
        for name, low, high in (
            ("reach", 0.1, 10.0),
            ("smooth_px", 0.5, 5.0),
            ("limit_sigma", 1.0, 50.0),
            ("limit_grey", 1.0, 255.0),
            ("follow", 0.1, 1.0),
            ("share", 0.0, 1.0),
            ("min_noise_grey", 0.1, 50.0),
            ("edge_wander_px", 0.0, 5.0),
            ("sharp", 0.0, 10.0),
            ("hub", 0.05, 1.0),
            ("min_piece_px", 1, 1000),
            ("gap", 0.0, 1.0),
            ("faint", 0.0, 10.0),
            ("faint_sigma", 0.1, 50.0),
            ("faint_grey", 0.25, 50.0),
        ):
            check_number(getattr(self, name), name, low, high)
