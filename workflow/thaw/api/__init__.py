"""What notebooks and scripts import, and the command `thaw` calls."""
