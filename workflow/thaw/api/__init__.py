"""Results, comparisons and predictions, for notebooks and for the command `thaw`."""
