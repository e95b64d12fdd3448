"""The page: results of a config or a study in one HTML file that can be sent."""
