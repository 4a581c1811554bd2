"""Label formats on disk: readers that go on past bad labels, writers that stream and resume, and a summary."""

from ocrsmith.data.formats.labelled import LabelledFolder, LabelledPicture, Problem
from ocrsmith.data.formats.reading import READERS, read_labels
from ocrsmith.data.formats.summary import FolderSummary, describe
from ocrsmith.data.formats.writing import WRITERS, WriteResult, open_writer, write_dataset

__all__ = [
    "READERS",
    "WRITERS",
    "FolderSummary",
    "LabelledFolder",
    "LabelledPicture",
    "Problem",
    "WriteResult",
    "describe",
    "open_writer",
    "read_labels",
    "write_dataset",
]
