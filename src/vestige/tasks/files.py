"""Files that tasks read: found beside a package, compared with a known sum, refused with words."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from pathlib import Path

from .base import DataError


def package_folder(package: str, need: str, extra: str = "data") -> Path:
    """Folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise DataError(f"{need} comes with the package `{package}`: pip install 'vestige[{extra}]'")
    return Path(spec.origin).parent


def content(path: Path, need: str, remedy: str, sha256: str | None = None) -> bytes:
    """Bytes of a file; with `sha256`, only if they have this sum: nothing is parsed or unpickled before.

    Raises:
        DataError: the file cannot be read, or is not the one that is known; `remedy` says what to do.
    """
    try:
        found = Path(path).read_bytes()
    except OSError as e:
        raise DataError(f"cannot read {need}: {e}; {remedy}") from e
    if sha256 is not None and hashlib.sha256(found).hexdigest() != sha256:
        raise DataError(
            f"{path} is not the file that vestige knows (its SHA-256 differs), so it was not opened; {remedy}"
        )
    return found


def cache_folder() -> Path:
    """Where vestige keeps what it made: $VESTIGE_CACHE, or `vestige` in $XDG_CACHE_HOME, or in ~/.cache."""
    if chosen := os.environ.get("VESTIGE_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vestige"
