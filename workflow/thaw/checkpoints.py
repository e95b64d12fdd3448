"""Source models that are files: pretrained weights of people's own, or of others."""

# What stands in the place of the source's name, in paths and in titles.
CHECKPOINTS = "checkpoints"
