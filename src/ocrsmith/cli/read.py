"""`ocrsmith read`: pictures, folders, PDFs and standard input to text, JSON, hOCR, searchable PDFs and more."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ocrsmith.cli.decoding_options import Beam, Characters, Pattern, WordBias, Words, constraints
from ocrsmith.cli.terminal import examples, prose


class Format(StrEnum):
    """The names of `ocrsmith.reading.outputs.FORMATS`, written again because that module loads OpenCV and PDFium."""

    text = "text"
    json = "json"
    tsv = "tsv"
    markdown = "markdown"
    hocr = "hocr"
    alto = "alto"
    page = "page"
    picture = "picture"
    pdf = "pdf"


class Orientation(StrEnum):
    """The names of `ocrsmith.reading.orientation.ORIENTATIONS`."""

    auto = "auto"
    check = "check"
    upright = "upright"


class TextLayer(StrEnum):
    """The names of `ocrsmith.reading.text_layer.LAYER_CHOICES`."""

    ignore = "ignore"
    use = "use"
    check = "check"


EPILOG = examples(
    "ocrsmith read photo.jpg",
    "ocrsmith read --model seven_segment display.jpg",
    "ocrsmith read labels/ --pattern '[A-Z]{2}-[0-9]{5}'",
    "ocrsmith read scans/ --format json --output all.json",
    "ocrsmith read book.pdf --pages 1-3 --format pdf --output searchable.pdf",
    "ocrsmith read 'inbox/*.png' --format hocr --output-dir read/",
    "ocrsmith read scans/ --output-dir read/ --jobs 4 --skip-existing",
    "ocrsmith read paper.pdf --text-layer use",
    "ocrsmith read https://example.org/sign.jpg",
    "ocrsmith read --clipboard",
    "ocrsmith read page.png --draw boxes.png --timings",
    "cat page.png | ocrsmith read - --format tsv",
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(help=prose(read), epilog=EPILOG, no_args_is_help=True)(read)


def read(
    pictures: Annotated[
        list[str] | None,
        typer.Argument(
            help="Pictures, PDFs, folders, globs, web addresses, or - for standard input.", show_default=False
        ),
    ] = None,
    clipboard: Annotated[bool, typer.Option("--clipboard", help="Read what the clipboard holds.")] = False,
    model: Annotated[str, typer.Option("--model", "-m", help="A bundle: its name or its file.")] = "english",
    format: Annotated[Format, typer.Option("--format", "-f", help="What to write.")] = Format.text,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write everything to this file.")] = None,
    output_dir: Annotated[Path | None, typer.Option(help="Write a file for each picture into this folder.")] = None,
    draw: Annotated[Path | None, typer.Option(help="Also write a PNG with the boxes drawn on the picture.")] = None,
    pages: Annotated[str | None, typer.Option(help="Of PDFs and TIFFs: 1-3,7 or 5-.", show_default="all")] = None,
    dpi: Annotated[float, typer.Option(help="The resolution that PDFs are rendered at.")] = 200.0,
    password: Annotated[str | None, typer.Option(help="Of locked PDFs.")] = None,
    text_layer: Annotated[
        TextLayer,
        typer.Option(help="The text that a PDF carries: ignore it, use it where it is sound, or check it by reading."),
    ] = TextLayer.ignore,
    orientation: Annotated[
        Orientation,
        typer.Option(help="Turned pages and lines: look where there is reason to, check every page, or never."),
    ] = Orientation.auto,
    curved: Annotated[bool, typer.Option("--curved", help="Follow curved words and straighten them.")] = False,
    characters: Characters = None,
    pattern: Pattern = None,
    words: Words = None,
    word_bias: WordBias = None,
    beam: Beam = None,
    min_confidence: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Drop words below.", show_default="the bundle's")
    ] = None,
    engine: Annotated[str, typer.Option(help="auto, onnxruntime, openvino, cuda, coreml, ...")] = "auto",
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Threads for each reader.", show_default="the processors, at most 16, shared by jobs"),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Sources read at a time, by a reader each.")] = 1,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="With --output-dir: leave out sources whose files are there.")
    ] = False,
    timings: Annotated[bool, typer.Option("--timings", help="Tell where the time went.")] = False,
) -> None:
    """Reads pictures, PDFs and folders.

    A picture that cannot be read is told at the end and never stops the others; the exit code is then 15, or the
    picture's own where it was the only one.
    """
    if output is not None and output_dir is not None:
        raise typer.BadParameter("Give --output or --output-dir, not both.")
    if skip_existing and output_dir is None:
        raise typer.BadParameter("--skip-existing needs --output-dir.")
    if not pictures and not clipboard:
        raise typer.BadParameter("Name pictures to read, or give --clipboard.")
    # Loads OpenCV and ONNX Runtime, which the help does not need.
    from ocrsmith.cli.reading_run import Destination, ReadingRun
    from ocrsmith.reading.bundle import Bundle
    from ocrsmith.reading.reader import Reader
    from ocrsmith.settings import num_threads

    run = ReadingRun(
        Destination(format.value, output, output_dir, draw),
        pages=pages,
        dpi=dpi,
        password=password,
        text_layer=text_layer.value,
        skip_existing=skip_existing,
        timings=timings,
    )
    sources = run.find(pictures or [], clipboard=clipboard)
    allowed = constraints(characters, pattern, words, word_bias, beam)
    bundle = Bundle.load(model)
    num_readers = min(jobs, len(sources))
    each = threads if threads is not None or num_readers == 1 else max(1, num_threads() // num_readers)
    readers = [
        Reader(
            bundle,
            engine=engine,
            threads=each,
            min_confidence=min_confidence,
            orientation=orientation.value,
            curved=curved,
        ).constrained(allowed)
        for _ in range(num_readers)
    ]
    run.read_all(readers, sources)
