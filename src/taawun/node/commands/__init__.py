"""The commands of the `taawun` program, one module each."""
