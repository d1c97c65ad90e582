"""Variables of MATLAB's files; none of them can run code."""

import zlib
from pathlib import Path
from typing import Any

from scipy.io import loadmat
from scipy.io.matlab import MatReadError

# What SciPy raises on broken files: it checks little of what it reads.
UNREADABLE = (
    MatReadError, OSError, EOFError, zlib.error, ValueError, TypeError, LookupError,
    NotImplementedError, MemoryError, AttributeError, OverflowError,
)  # fmt: skip


def read_variable(path: Path, name: str) -> Any:
    """A variable of a file up to version 7; raises any of `UNREADABLE` where there is none."""
    return loadmat(path, variable_names=[name])[name]
