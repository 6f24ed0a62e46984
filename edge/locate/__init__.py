"""Where the fibre is: pixels in, an `EndFace` out. Coordinates are pixels of the picture as given."""

from edge.locate.endface import locate, locate_all, locate_fibres
from edge.locate.scale import scale_problem
from edge.locate.settings import LocateSettings

__all__ = ["LocateSettings", "locate", "locate_all", "locate_fibres", "scale_problem"]
