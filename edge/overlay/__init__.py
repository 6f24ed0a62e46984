"""An inspection drawn, so that a technician reads it at a glance: as pixels, or as SVG."""

from edge.overlay.formats import draw, draw_svg

__all__ = ["draw", "draw_svg"]
