"""What a conversion has to hold to before it is written, and the limits of the networks that ship."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from trainer.data import Examples
from trainer.export.recipe import RECIPES


@dataclass(frozen=True, slots=True)
class Gates:
    """Limits that a conversion must keep, or nothing is written.

    Attributes:
        min_agreement: share of check pictures with the float network's answer; None: the recipe's. One picture
            may differ however few there are.
        max_probability_error: largest difference of any probability to the float network's, both at temperature
            1; None: the recipe's.
        max_calibration_error: expected calibration error at the fitted temperature; for chance, 1 / sqrt(number of
            check pictures) is allowed beyond it.
        min_calibration_pictures: fewer clip the confidence and leave the accuracy as it was.
        min_calibration_span_grey: brightest minus darkest grey level of the calibration's pictures.
        max_bytes: of the whole file; None: any.
    """

    min_agreement: float | None = None
    max_probability_error: float | None = None
    max_calibration_error: float = 0.05
    min_calibration_pictures: int = 64
    min_calibration_span_grey: int = 128
    max_bytes: int | None = None


_CNN = Gates(min_agreement=0.98, max_probability_error=0.3, max_calibration_error=0.03)
RENDERED_MARKS_GATES = {
    "cnn": _CNN,
    "deep-cnn": _CNN,
    "mlp": Gates(min_agreement=0.95, max_probability_error=0.7, max_calibration_error=0.03),
}
"""By network, where the check examples are rendered marks. Looser than the recipe's own limits: many rendered marks lie
near the noise, where two answers are nearly equal. The mlp sums 784 rounded weights at once, and loses more."""


def rendered_marks_gates(network: str) -> Gates:
    """The limits of a network that is checked on rendered marks; the usual ones for a network that does not ship."""
    return RENDERED_MARKS_GATES.get(network, Gates())


def failed_gates(recipe: str, gates: Gates, measured: Mapping[str, float], calibration: Examples) -> list[str]:
    """The gates that do not hold, a clause each for the message; empty where all hold.

    Args:
        recipe: one of `RECIPES`; its own limits stand in for those that are None.
        gates: the limits.
        measured: `agreement`, `n_check`, `largest_probability_error`, `calibration_error` and `bytes`.
        calibration: what integer ranges were taken from; looked at where the recipe is calibrated.
    """
    made_by = RECIPES[recipe]
    agreement = made_by.min_agreement if gates.min_agreement is None else gates.min_agreement
    error = made_by.max_probability_error if gates.max_probability_error is None else gates.max_probability_error
    n_differ = round((1 - measured["agreement"]) * measured["n_check"])
    failed = []
    if measured["agreement"] < agreement and n_differ > 1:
        failed.append(
            f"agreement with float is {measured['agreement']:.4f}, {agreement} expected "
            f"({agreement - measured['agreement']:.4f} short)"
        )
    by_chance = 1 / math.sqrt(measured["n_check"])
    at_most = {"largest_probability_error": error, "calibration_error": gates.max_calibration_error + by_chance}
    if gates.max_bytes is not None:
        at_most["bytes"] = gates.max_bytes
    for name, limit in at_most.items():
        if not measured[name] <= limit:
            failed.append(
                f"{name} is {measured[name]:.6g}, at most {limit:.6g} expected ({measured[name] - limit:.4g} over)"
            )
    if made_by.is_calibrated:
        span = int(calibration.patches.max()) - int(calibration.patches.min())
        at_least = {
            "number of calibration pictures": (len(calibration), gates.min_calibration_pictures),
            "calibration pictures' range of grey levels": (span, gates.min_calibration_span_grey),
        }
        for name, (value, limit) in at_least.items():
            if value < limit:
                failed.append(f"{name} is {value}, at least {limit} expected ({limit - value} short)")
    return failed
