from typing import Any

from trainer.learning.best_epoch import BestEpoch, kept_epoch


class Model:
    """Has weights, as a Keras model has."""

    def __init__(self) -> None:
        self.weights: list[Any] = [0]

    def get_weights(self) -> list[Any]:
        """Its own."""
        return list(self.weights)

    def set_weights(self, weights: list[Any]) -> None:
        """Takes others."""
        self.weights = weights


def test_of_equal_accuracies_the_lower_loss_is_kept() -> None:
    """And of equal epochs the first; what the history tells is what the weights are."""
    accuracy, loss = (0.5, 0.9, 0.9, 0.9, 0.7), (1.0, 0.6, 0.5, 0.5, 0.1)
    model, best = Model(), BestEpoch()
    for epoch, (a, b) in enumerate(zip(accuracy, loss, strict=True), start=1):
        model.set_weights([epoch])
        best.offer(model, {"val_accuracy": a, "val_loss": b})
    best.restore(model)
    assert model.weights == [3]
    assert kept_epoch({"val_accuracy": accuracy, "val_loss": loss}) == 3


def test_without_validation_the_last_epoch_stays() -> None:
    """Nothing is kept, nothing is restored."""
    model, best = Model(), BestEpoch()
    best.offer(model, {"loss": 1.0})
    model.set_weights([7])
    best.restore(model)
    assert model.weights == [7]
    assert kept_epoch({"loss": (1.0, 0.5)}) is None
