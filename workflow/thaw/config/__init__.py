"""The config: what it may hold, whether a file of it can be read, what follows from it.

`fill` writes into a config what follows from what it leaves out; `config`, `problem`,
`network` and `training` are its models, whole and frozen; `contradictions` are between
them, and `resolve` does all of this. No module is imported here: jobs need `users`, and
not pydantic.
"""
