"""What a config asks for: results, keys, jobs, targets; what is said around a run."""
