"""Which source model a repeat starts from."""


def source_model_of(repeat: int, source_models: int) -> int:
    """Return the number of the source model from which a repeat starts."""
    return repeat % source_models
