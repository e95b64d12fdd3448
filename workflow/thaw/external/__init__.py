"""User-supplied code and weights: functions, networks, trainers, estimators."""
