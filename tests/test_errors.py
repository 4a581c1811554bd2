"""The error tree is documented, and no two errors share an exit code."""

from __future__ import annotations

import inspect

from ocrsmith import errors


def test_every_error_is_in_the_tree_with_its_own_exit_code() -> None:
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, errors.OcrsmithError)]
    codes = [c.exit_code for c in classes]
    assert len(set(codes)) == len(codes)
    assert not {0, 2, 130} & set(codes)
    for found in classes:
        line = next(line for line in (errors.__doc__ or "").splitlines() if f"{found.__name__} " in line)
        assert line.rstrip().endswith(str(found.exit_code)), line


def test_an_unknown_word_is_told_its_neighbour_and_all_that_are_known() -> None:
    assert errors.nearest("minuts", ["name", "minutes"]) == "; did you mean 'minutes'? (known: name, minutes)"
    assert errors.nearest("xyz", ["name"]) == " (known: name)"
    assert errors.nearest("xyz", []) == ""
