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


EPILOG = examples(
    "ocrsmith read photo.jpg",
    "ocrsmith read --model seven_segment display.jpg",
    "ocrsmith read labels/ --pattern '[A-Z]{2}-[0-9]{5}'",
    "ocrsmith read scans/ --format json --output all.json",
    "ocrsmith read book.pdf --pages 1-3 --format pdf --output searchable.pdf",
    "ocrsmith read 'inbox/*.png' --format hocr --output-dir read/",
    "ocrsmith read page.png --draw boxes.png --timings",
    "cat page.png | ocrsmith read - --format tsv",
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(help=prose(read), epilog=EPILOG, no_args_is_help=True)(read)


def read(
    pictures: Annotated[
        list[str], typer.Argument(help="Pictures, PDFs, folders, globs, or - for standard input.", show_default=False)
    ],
    model: Annotated[str, typer.Option("--model", "-m", help="A bundle: its name or its file.")] = "english",
    format: Annotated[Format, typer.Option("--format", "-f", help="What to write.")] = Format.text,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write everything to this file.")] = None,
    output_dir: Annotated[Path | None, typer.Option(help="Write a file for each picture into this folder.")] = None,
    draw: Annotated[Path | None, typer.Option(help="Also write a PNG with the boxes drawn on the picture.")] = None,
    pages: Annotated[str | None, typer.Option(help="Of PDFs and TIFFs: 1-3,7 or 5-.", show_default="all")] = None,
    dpi: Annotated[float, typer.Option(help="The resolution that PDFs are rendered at.")] = 200.0,
    password: Annotated[str | None, typer.Option(help="Of locked PDFs.")] = None,
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
        int | None, typer.Option(min=1, help="Threads for the networks.", show_default="the processors, at most 16")
    ] = None,
    timings: Annotated[bool, typer.Option("--timings", help="Tell where the time went.")] = False,
) -> None:
    """Reads pictures, PDFs and folders.

    A picture that cannot be read is told at the end and never stops the others; the exit code is then 15, or the
    picture's own where it was the only one.
    """
    if output is not None and output_dir is not None:
        raise typer.BadParameter("Give --output or --output-dir, not both.")
    # Loads OpenCV and ONNX Runtime, which the help does not need.
    from ocrsmith.cli.reading_run import Destination, ReadingRun
    from ocrsmith.reading.reader import Reader

    run = ReadingRun(
        Destination(format.value, output, output_dir, draw), pages=pages, dpi=dpi, password=password, timings=timings
    )
    sources = run.find(pictures)
    allowed = constraints(characters, pattern, words, word_bias, beam)
    reader = Reader(model, engine=engine, threads=threads, min_confidence=min_confidence).constrained(allowed)
    run.read_all(reader, sources)
