"""The files that stages write and read, checked whenever they are read."""
