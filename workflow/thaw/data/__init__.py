"""Problems: what they are and how their data come about."""
