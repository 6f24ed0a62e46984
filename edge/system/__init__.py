"""What is the operating system's: files that are written whole, and what this machine is."""
