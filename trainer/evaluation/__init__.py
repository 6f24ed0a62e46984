"""How good a model is: its figures on labelled examples, and a report with plots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from trainer.evaluation.report import write_evaluation
    from trainer.evaluation.scoring import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate", "write_evaluation"]

__getattr__ = lazy_exports(
    __name__,
    {
        "Evaluation": "trainer.evaluation.scoring:Evaluation",
        "evaluate": "trainer.evaluation.scoring:evaluate",
        "write_evaluation": "trainer.evaluation.report:write_evaluation",
    },
)
