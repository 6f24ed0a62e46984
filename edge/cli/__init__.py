"""The command line. `app` declares the commands; the files beside it carry them out."""
