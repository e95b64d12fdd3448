"""The command `thaw`."""
