"""`ocrsmith evaluate`: a bundle measured on labelled folders."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ocrsmith.cli.decoding_options import Beam, Characters, Pattern, WordBias, Words, constraints
from ocrsmith.cli.terminal import examples, note, progress_bar, prose, show, table, write_text
from ocrsmith.errors import SomeInputsFailedError

if TYPE_CHECKING:
    from ocrsmith.evaluation.result import EvaluationResult, Score


class Comparison(StrEnum):
    """The names of `ocrsmith.evaluation.text.TEXT_RULES`."""

    exact = "exact"
    letters_and_digits = "letters_and_digits"
    digits = "digits"
    plates = "plates"


class CropsBy(StrEnum):
    """What reads a folder of crops."""

    recognize = "recognize"
    read = "read"


EPILOG = examples(
    "ocrsmith evaluate seven_segment meters/",
    "ocrsmith evaluate plates.ocrsmith plates/ --comparison plates",
    "ocrsmith evaluate english pages/ receipts/ --json > scores.json",
    "ocrsmith evaluate english pages/ --predictions read.jsonl",
    "ocrsmith evaluate runs/b/b.ocrsmith meters/ --beside seven_segment",
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(help=prose(evaluate), epilog=EPILOG, no_args_is_help=True)(evaluate)


def evaluate(
    model: Annotated[str, typer.Argument(help="A bundle: its name or its file.", show_default=False)],
    folders: Annotated[
        list[Path],
        typer.Argument(help="Folders of pictures with labels, in any of a dozen formats.", show_default=False),
    ],
    comparison: Annotated[
        Comparison, typer.Option(help="When two texts count as equal.")
    ] = Comparison.letters_and_digits,
    crops_by: Annotated[
        CropsBy, typer.Option(help="Crops go to the recogniser alone, or to the whole reader.")
    ] = CropsBy.recognize,
    iou: Annotated[float, typer.Option(min=0.05, max=1.0, help="Overlap from which two boxes match.")] = 0.5,
    predictions: Annotated[
        Path | None, typer.Option(help="Write what was read: JSON lines. A folder where several are measured.")
    ] = None,
    characters: Characters = None,
    pattern: Pattern = None,
    words: Words = None,
    word_bias: WordBias = None,
    beam: Beam = None,
    beside: Annotated[
        str | None,
        typer.Option(help="Another bundle, measured on the same pictures, its scores printed beside."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    engine: Annotated[str, typer.Option(help="auto, onnxruntime, openvino, cuda, coreml, ...")] = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads for the networks.", show_default="the processors, at most 16")
    ] = None,
) -> None:
    """Measures a reader on labelled folders.

    Every score stands beside what it was counted on. A picture that cannot be read is in no score, is told at the end,
    and makes the exit code 15.
    """
    # Shapely, RapidFuzz and ONNX Runtime, which the help does not need.
    from ocrsmith.data.formats import read_labels
    from ocrsmith.evaluation.run import evaluate_reader
    from ocrsmith.evaluation.text import TEXT_RULES
    from ocrsmith.reading.reader import Reader

    allowed = constraints(characters, pattern, words, word_bias, beam)
    labelled = [read_labels(folder) for folder in folders]
    for folder in labelled:
        if folder.problems:
            note(f"{len(folder.problems)} labels of {folder.path} were left out; 'ocrsmith describe' lists them")
    results: dict[str, list[EvaluationResult]] = {}
    for name in dict.fromkeys(one for one in (model, beside) if one is not None):
        reader = Reader(name, engine=engine, threads=threads).constrained(allowed)
        results[name] = []
        for folder in labelled:
            file = _predictions_file(predictions, folder.path, several=len(labelled) > 1) if name == model else None
            with progress_bar(folder.path.name, len(folder)) as advance:
                results[name].append(
                    evaluate_reader(
                        reader,
                        folder,
                        rule=TEXT_RULES[comparison.value],
                        iou=iou,
                        crops_by=crops_by.value,
                        predictions=file,
                        progress=advance,
                    )
                )
    if json:
        write_text(_as_json(results))
    else:
        _show(results)
    _tell_failures([result for measured in results.values() for result in measured])


def _predictions_file(given: Path | None, folder: Path, *, several: bool) -> Path | None:
    return given / f"{folder.name}.jsonl" if given is not None and several else given


def _as_json(results: dict[str, list[EvaluationResult]]) -> str:
    """The first model's scores, and the other's under "beside"."""
    import json

    first, *others = (
        {"model": name, "folders": [result.to_dict() for result in measured]} for name, measured in results.items()
    )
    form = {**first, "beside": others[0]} if others else first
    return json.dumps(form, ensure_ascii=False, indent=1) + "\n"


def _show(results: dict[str, list[EvaluationResult]]) -> None:
    """A row a measure, with a column of values for each model."""
    rows = []
    for of_one_folder in zip(*results.values(), strict=True):
        for scores in zip(*(result.scores() for result in of_one_folder), strict=True):
            figures = [_figure(score) for score in scores]
            rows.append((of_one_folder[0].name, scores[0].measure, *figures, f"{scores[0].num_counted:,}"))
    stems = [Path(name).stem for name in results]
    values = ["value"] if len(results) == 1 else stems if len(set(stems)) == len(stems) else list(results)
    columns = ["folder", "measure", *values, "counted on"]
    show(table("Scores", columns, rows, numbers=list(range(2, len(columns)))))
    for name, measured in results.items():
        by = f" by {name}" if len(results) > 1 else ""
        for result in measured:
            time = f"{1000 * result.seconds_per_picture:.1f} ms each"
            show(f"{result.name}: {result.num_pictures:,} {result.kind}, {time}{by}")


def _figure(score: Score) -> str:
    return f"{100 * score.value:.1f} %"


def _tell_failures(results: list[EvaluationResult]) -> None:
    failed = [(result, failure) for result in results for failure in result.failures]
    for result, failure in failed[:20]:
        note(f"not read: {result.name}/{failure.name}: {failure.reason}")
    if failed:
        raise SomeInputsFailedError(f"{len(failed)} pictures could not be read and are in no score.")
