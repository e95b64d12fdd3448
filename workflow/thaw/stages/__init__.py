"""One module for each stage, which says what its jobs read and write."""

import signal
import sys

# While a stage still imports (torch takes a second), Ctrl-C just ends it, because a
# traceback from there helps no one. `-m` stands here until Python has found the module
# to run, so an importer of a stage, such as a test, keeps the usual handler.
if sys.argv[:1] == ["-m"]:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
