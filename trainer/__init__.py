"""Ferrule's workstation half: trains, converts and evaluates the models that `edge` runs."""
