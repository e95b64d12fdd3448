"""Problems, and how their data are read or generated, split and scaled."""
