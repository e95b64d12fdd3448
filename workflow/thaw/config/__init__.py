"""The config: what it may hold, whether a file of it can be read, what follows from it.

`config`, `problem`, `network` and `training` are its models, whole and frozen;
`contradictions` are between them. `resolve` fills in what a config leaves out, and
checks it. No module is imported here: jobs need `users`, and not pydantic.
"""
