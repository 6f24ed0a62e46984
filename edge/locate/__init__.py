"""Where the fibre is: pixels in, an `EndFace` out. Coordinates are pixels of the picture as given."""

from edge.locate.endface import LocateSettings, locate, locate_all

__all__ = ["LocateSettings", "locate", "locate_all"]
