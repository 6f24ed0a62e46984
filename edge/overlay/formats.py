"""Draws an inspection so that a technician reads it at a glance, as pixels or as SVG.

The verdict stands on top with the first reasons and the advice; below it the picture with the zones, the edges that
were found, and every mark in the colour and shape of its label: the ones that fail large and with label and size, the
others thin and with the size alone. Beside it the glass and the innermost zone are shown enlarged, where that shows
more, then the legend and the reasons that found no room on top; below, criteria, model and scale. Pixels that are not
square are shown square. `clean` findings are not drawn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.arguments import check_grey, check_kind
from edge.errors import UsageError
from edge.judge import Criteria
from edge.overlay.layout import layout
from edge.overlay.raster import paint
from edge.overlay.svg import Embedded, write
from edge.records import Inspection


def draw(pixels: NDArray[np.uint8], inspection: Inspection, criteria: Criteria) -> NDArray[np.uint8]:
    """The inspection as (height, width, 3) uint8 BGR, larger than the picture by the verdict and the closer look.

    The picture itself is shown pixel by pixel where its pixels are square and it is between 720 high and 4096 long;
    smaller ones are enlarged and larger ones made smaller, so that the texts can be read. Texts that the font of
    OpenCV cannot write show `?` for what is not ASCII.

    Args:
        pixels: (h, w) uint8, the picture that was inspected; not changed.
        inspection: what was found in it.
        criteria: what it was judged by.

    Raises:
        UsageError: `pixels` is no grey picture, or the rest is of another type.
    """
    _check(pixels, inspection, criteria)
    return paint(layout(pixels.shape[1], pixels.shape[0], inspection, criteria), pixels)


def draw_svg(pixels: NDArray[np.uint8], inspection: Inspection, criteria: Criteria, embed: Embedded = "jpeg") -> str:
    """The same as an SVG document: sharp at any size, with a title and a description for those who cannot see it.

    Each mark is a group with the classes `mark`, its label, and `fails` where it is part of a reason, and a title that
    browsers show when one points at it; each zone is a group with the class `zone`.

    Args:
        pixels: (h, w) uint8, the picture that was inspected; not changed.
        inspection: what was found in it.
        criteria: what it was judged by.
        embed: how the picture goes into the document: `jpeg`, `png` (lossless), or `none` for a grey ground.

    Raises:
        UsageError: `pixels` is no grey picture, or `embed` none of the three.
    """
    _check(pixels, inspection, criteria)
    check_kind(embed, str, "embed")
    if embed not in ("jpeg", "png", "none"):
        raise UsageError(f"embed = {embed!r:.40}; expected 'jpeg', 'png' or 'none'")
    return write(layout(pixels.shape[1], pixels.shape[0], inspection, criteria), pixels, embed)


def _check(pixels: object, inspection: object, criteria: object) -> None:
    check_grey(pixels)
    check_kind(inspection, Inspection, "inspection")
    check_kind(criteria, Criteria, "criteria")
