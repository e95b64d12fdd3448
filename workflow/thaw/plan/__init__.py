"""The plan of a config: results, keys, jobs, targets; and messages around a run."""
