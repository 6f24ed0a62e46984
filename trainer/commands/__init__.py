"""What the commands of `ferrule-train` do, a module each; `trainer.cli` declares them."""
