"""Draws the end faces in examples/: what the demo inspects, the tests use and the bench measures.

    python scripts/make_examples.py

Rendered, so their licence is ours: one clean connector, one scratched and pitted, one with dirt. Also draws the overlay
that the README shows, with the model that ships.
"""

from __future__ import annotations

from pathlib import Path

import cv2

from edge.inspection import load_inspector
from edge.judge import profile_of
from edge.overlay import draw
from edge.records import Frame
from trainer.phantom import Defect, Fibre, Light, Scene, Sensor, Texture, render

REPO = Path(__file__).resolve().parent.parent
EXAMPLES = REPO / "examples"
OVERLAY = REPO / "docs" / "pictures" / "overlay.png"
FIBRE = Fibre(core_um=9.0, core_grey=120.0, cladding_grey=85.0)
LIGHT = Light(ferrule_grey=182.0, slope_x=0.05, slope_y=-0.03, rim_grey=22.0)
TEXTURE = Texture(grain_grey=0.8)
SENSOR = Sensor(blur_px=0.8, noise_grey=1.2, jpeg=0)

SCENES = {
    "clean": Scene(FIBRE, LIGHT, SENSOR, TEXTURE, (), seed=1),
    "scratched": Scene(
        FIBRE,
        LIGHT,
        SENSOR,
        TEXTURE,
        (
            Defect("scratch", 4.0, -6.0, size_um=46.0, width_um=2.2, angle_deg=34.0, contrast=-0.28, seed=1),
            Defect("scratch", -70.0, 62.0, size_um=70.0, width_um=1.6, angle_deg=-52.0, contrast=-0.22, seed=2),
            Defect("dig", 27.0, 22.0, size_um=6.4, contrast=-0.38, roughness=0.4, seed=3),
            Defect("dig", -33.0, 12.0, size_um=3.1, contrast=-0.34, seed=4),
            Defect("chip", size_um=24.0, width_um=11.0, angle_deg=205.0, contrast=-0.4, roughness=0.5, seed=5),
            Defect("dig", 78.0, -46.0, size_um=5.0, contrast=-0.4, roughness=0.3, seed=6),
        ),
        seed=2,
    ),
    "dirty": Scene(
        FIBRE,
        LIGHT,
        SENSOR,
        TEXTURE,
        (
            Defect("particle", 24.0, -30.0, size_um=15.0, contrast=-0.42, roughness=0.9, elongation=1.6, seed=7),
            Defect("droplets", -62.0, -66.0, size_um=42.0, width_um=4.5, contrast=-0.3, seed=8),
            Defect("dig", -20.0, 34.0, size_um=1.6, contrast=-0.3, seed=9),
        ),
        seed=3,
    ),
}


def main() -> None:
    """Writes one PNG for each scene, and the overlay of one."""
    EXAMPLES.mkdir(exist_ok=True)
    for name, scene in SCENES.items():
        cv2.imwrite(str(EXAMPLES / f"{name}.png"), render(scene).pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    inspector = load_inspector()
    pixels = render(SCENES["scratched"]).pixels
    (inspection,) = inspector.inspect(Frame(pixels, "examples/scratched.png"))
    drawn = draw(pixels, inspection, profile_of(inspector.criteria, inspection.criteria))
    OVERLAY.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(OVERLAY), drawn, [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
