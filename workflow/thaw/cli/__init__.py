"""The command `thaw`: a module for a command or two.

Modules here import nothing but click before a command runs, so that `thaw --help` is
there at once.
"""
