"""The command line of the workstation. `app` declares the commands; each file beside it does what one of them says."""
