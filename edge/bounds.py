"""What a figure can be at all: beyond it a slip of the pen or of a unit, and arithmetic that means nothing."""

from __future__ import annotations

CLADDING_UM = (10.0, 3000.0)
"""Diameter of a cladding: IEC 60793-2 has 80 um (reduced cladding) to 1000 um (A4, plastic fibre); thinner research
fibres and the thickest plastic fibre that is sold, 3 mm, lie within."""

UM_PER_PX = (0.01, 20.0)
"""Size of a pixel: from a tenth of what the finest light microscope samples to where a cladding of 125 um is six
pixels wide. End-face microscopes have 0.2 to 2."""

MOST_PIXEL_ASPECT = 2.0
"""Width over height of a pixel, or the reverse: frame grabbers have 0.91 (NTSC) to 1.09 (PAL), ITU-R BT.601."""

MEGAPIXELS = (1e-6, 10_000.0)
"""Limits of a picture's size that can be asked for: a pixel, and more than a machine's memory holds."""

MOST_CLEANINGS = 1000
"""A connector is replaced long before."""

MOST_FRAMES = 10**9
"""A year of a camera at 30 frames a second."""

MOST_FIBRES = 72
"""Of one ferrule: six rows of twelve, IEC 61754-7."""
