"""How good a model is: figures, plots and a report."""
