"""Finds the data sets below a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tracestore.detectors.evaluation import captures, labelled
from tracestore.detectors.evaluation.cases import Dataset
from tracestore.errors import InvalidInput


def datasets(folder: Path) -> Iterator[Dataset]:
    """The data set that a folder is, else those of its subfolders in order of name, read one after the other.

    Raises:
        InvalidInput: it is neither, or a file in it cannot be read; says what was expected.
    """
    found = [folder] if _is_dataset(folder) else []
    if not found and folder.is_dir():
        found = [child for child in sorted(folder.iterdir()) if child.is_dir() and _is_dataset(child)]
    if not found:
        what = "has no labelled traces" if folder.is_dir() else "is no folder"
        raise InvalidInput(
            f"{folder} {what}: expected {labelled.INDEX} and {labelled.LABELS} with gzipped traces, or captures "
            f"(folders with {captures.MANIFEST}), or a folder of such folders.",
            field="DIR",
        )
    return (labelled.read(one) if _is_labelled(one) else captures.read(one) for one in found)


def _is_dataset(folder: Path) -> bool:
    return _is_labelled(folder) or next(folder.glob(f"*/{captures.MANIFEST}"), None) is not None


def _is_labelled(folder: Path) -> bool:
    return (folder / labelled.INDEX).is_file() or (folder / labelled.LABELS).is_file()
