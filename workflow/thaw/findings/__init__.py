"""Statistics of a study's scores, and the answer that follows from them."""
