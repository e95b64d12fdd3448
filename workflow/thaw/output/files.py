"""Files that appear whole or not at all."""

import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# The name of a temporary file, as `whole_file` draws it; its groups make up the name of
# the final file.
TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{16}(\.[^.]+)")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when all went well.

    A reader, a killed job or an orphan of an earlier run never sees half a file,
    because a rename within one folder is atomic, even on network file systems. The
    temporary name is random, because jobs on several machines may write the same file,
    and keeps the suffix, because savers choose the format by it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(8)}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        # An error while writing (a full disk) does not name the file.
        error.filename = error.filename or str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def end_future(folder: Path) -> None:
    """Set the times of files in a folder that lie in the future to now.

    A clock may have run ahead, here or where the files were copied from. Snakemake
    fails a job that read such a file, and deletes what the job has just made.
    """
    now = time.time()
    for parent, _, names in os.walk(folder):
        for path in (Path(parent, name) for name in names):
            # An orphan of an earlier run may rename its temporary file meanwhile.
            with suppress(FileNotFoundError):
                if path.stat().st_mtime > now:
                    os.utime(path, (now, now))
