"""How much of it all is in memory at once: what learners keep to, and jobs ask for."""

# How many numbers an activation of the whole train set may hold, of networks that learn
# together. 1 MB of them stays in a core's cache, and the allocator reuses it instead of
# asking for new pages.
CACHED_NUMBERS = 2**18

# Rows that are passed through a module at once where it is only asked. It is the same
# always, for some kernels round differently in batches of another size.
ROWS_ASKED = 256

# What a module's frozen parts pass on is kept up to so many numbers, 1 GB.
MOST_KEPT = 2**28


def at_once(rows: int, widest: int) -> int:
    """Return how many fully connected networks learn together: as the cache holds."""
    return max(1, CACHED_NUMBERS // (rows * widest))
