"""How a stage runs: errors in one line, signals, the end of the process."""

import gc
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from thaw.errors import ThawError, format_error, visible


def run(stage: Callable[[], None]) -> None:
    """Run a stage; errors the user can fix end it with a line each and status 1.

    `OSError` covers the machine's refusals (no such file, disk full, no permission);
    `MemoryError` a job too large for it. Anything else is a bug of ours and keeps its
    traceback.
    """
    # A job that is ended removes its temporary files, as after Ctrl-C.
    numbers = {signal.SIGINT, signal.SIGTERM}
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # unless nohup ignores it
        numbers.add(signal.SIGHUP)
    for number in numbers:
        signal.signal(number, signal.default_int_handler)
    # Messages from the reader of a damaged archive as it is thrown away.
    sys.unraisablehook = lambda _: None
    try:
        stage()
    except ThawError as error:
        sys.exit(format_error(error))
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.exit(visible(f"error: {place}{error.strerror or error}"))
    except (MemoryError, RuntimeError) as error:
        # torch's own error of this kind has no class of its own on a CPU.
        if isinstance(error, RuntimeError) and "allocate memory" not in str(error):
            raise
        sys.exit(
            "error: out of memory; lower repeats_per_job, or run fewer jobs at once "
            "(--cores)"
        )
    except KeyboardInterrupt:
        sys.exit("error: interrupted; nothing was written")
    # The process ends here. Otherwise Python would search all imports for garbage that
    # the system frees anyway: a tenth of a job's time.
    gc.freeze()


def leave() -> NoReturn:
    """End a successful stage, without taking the interpreter apart.

    With torch imported that takes a third of a second, a quarter of the time of a job
    with one repeat, to free memory that the system frees anyway. Files are closed by
    now; only the streams may hold something.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
