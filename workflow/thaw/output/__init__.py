"""The files that stages write and read, each checked by whoever reads it."""
