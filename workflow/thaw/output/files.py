"""Files that appear whole or not at all."""

import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# The name of a temporary file, as `whole_file` draws it; its groups make up that of the
# file which it was to become.
TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{16}(\.[^.]+)")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when all went well.

    A reader, a killed job or an orphan of an earlier run never sees half a file: a
    rename within one folder is atomic, also on network file systems. The temporary
    name is drawn at random, for jobs of several machines may write the same file, and
    keeps the suffix, since savers choose the format by it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(8)}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        # What fails while writing (a full disk) does not know the file's name.
        error.filename = error.filename or str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def end_future(folder: Path) -> None:
    """Give files in a folder, whose times lie in the future, the present time.

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
