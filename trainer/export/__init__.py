"""A Keras model in, a verified .tflite bundle out: int8 by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from trainer.export.conversion import Card, Conversion, Material, bundle_foreign, convert
    from trainer.export.gates import Gates

__all__ = ["Card", "Conversion", "Gates", "Material", "bundle_foreign", "convert"]

__getattr__ = lazy_exports(
    __name__,
    {
        "Card": "trainer.export.conversion:Card",
        "Conversion": "trainer.export.conversion:Conversion",
        "Gates": "trainer.export.gates:Gates",
        "Material": "trainer.export.conversion:Material",
        "bundle_foreign": "trainer.export.conversion:bundle_foreign",
        "convert": "trainer.export.conversion:convert",
    },
)
