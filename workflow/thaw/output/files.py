"""Files that appear whole or not at all."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
