"""What the scores of a study allow one to say."""
