"""What each command of `ferrule` does; `edge.cli` only declares them, so that `--help` imports nothing heavy."""
