"""The one exception whose message is meant for the user."""


class ThawError(Exception):
    """Something the user can mend. The message names the place and the remedy."""
