"""The config: what it may hold, whether a file of it can be read, what follows from it.

`models` and `problem` say what each key may hold, `network` what each kind of network
can do; `resolve` checks a config and gives plain values. No module is imported here:
stages need `network`, and may have no pydantic.
"""
