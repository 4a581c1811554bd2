"""Accuracy on real pictures: sets x engines, one table from one command.

    python benchmarks/accuracy.py --eval ../shared/eval
    python benchmarks/accuracy.py --eval ../shared/eval --sets forms_funsd,scene_ic03 --peers

--eval is a folder of labelled sets, each with `labels.jsonl`; its README's table of peers is quoted where it has one.
--peers reads with RapidOCR, EasyOCR and Tesseract too, those of them that can be imported. Every figure is of this run
unless it says "quoted".

Writes accuracy.md and accuracy.json into --out after each set, and goes on where a run was cut off. Needs a few minutes
for crops and, on two cores, about half an hour for 190 pages.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import re
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from peers import open_peers
from rich.progress import Progress

from ocrsmith.data.formats import LabelledFolder, read_labels
from ocrsmith.evaluation.result import EvaluationResult
from ocrsmith.evaluation.run import PageReader, evaluate_reader
from ocrsmith.evaluation.text import LETTERS_AND_DIGITS
from ocrsmith.reading.bundle import Bundle
from ocrsmith.reading.reader import Reader

# Some labels hold one word of a picture that shows many: recall alone counts.
RECALL_ALONE = ("scene_svt_recall", "plates_us")
# On number plates O and 0, I and 1 are the same sign.
PLATES = replace(LETTERS_AND_DIGITS, name="plates", replace=(("o", "0"), ("i", "1")))
RULES = {"plates_us_crops": PLATES, "plates_us": PLATES}
PACKAGES = ("ocrsmith", "numpy", "opencv-python-headless", "onnxruntime", "openvino", "rapidocr", "easyocr")


def measure(reader: PageReader, folder: LabelledFolder, predictions: Path) -> dict[str, Any]:
    """One engine on one set: the figures with their counts."""
    rule = RULES.get(folder.path.name, LETTERS_AND_DIGITS)
    with Progress(transient=True) as progress:
        task = progress.add_task(f"{folder.path.name}: {predictions.stem}", total=len(folder))
        result = evaluate_reader(
            reader,
            folder,
            rule=rule,
            most_mistakes=0,
            predictions=predictions,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    return {**figures(result), "seconds": round(result.seconds_per_picture, 4), "failures": len(result.failures)}


def figures(result: EvaluationResult) -> dict[str, Any]:
    """The measures of the protocol: R, P and F of words, or caseless and exact accuracy and character error rate."""
    if result.bag_of_words is not None and result.boxes is not None:
        words = result.bag_of_words
        return {
            "pictures": result.num_pictures,
            "words": words.num_truth,
            "recall": round(words.recall, 4),
            "precision": round(words.precision, 4),
            "f": round(words.f_score, 4),
            "box_f": round(result.boxes.f_score, 4),
        }
    assert result.text is not None
    return {
        "pictures": result.num_pictures,
        "accuracy": round(result.text.accuracy, 4),
        "exact": round(result.text.exact_accuracy, 4),
        "cer": round(result.text.character_error_rate, 4),
    }


def quoted(folder: Path) -> dict[str, dict[str, str]]:
    """{set: {engine: cell}} of the Markdown table in the folder's README; empty where it has none."""
    readme = folder / "README.md"
    rows = [line for line in readme.read_text("utf-8").splitlines() if line.startswith("|")] if readme.is_file() else []
    cells = [[cell.strip() for cell in row.strip("| ").split("|")] for row in rows]
    if len(cells) < 3:
        return {}
    return {row[0]: dict(zip(cells[0][2:], row[2:])) for row in cells[2:]}


def check(folder: LabelledFolder, predictions: Path, found: dict[str, Any]) -> str:
    """What the set's own score.py says of the same predictions: "" where it agrees or is not there."""
    script = folder.path.parent / "score.py"
    if not script.is_file() or folder.path.name in RULES:
        return ""
    spec = importlib.util.spec_from_file_location("eval_score", script)
    assert spec is not None and spec.loader is not None
    score = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(score)
    labels, read = score.load(folder.path / "labels.jsonl"), score.load(predictions)
    theirs = score.page(labels, read) if folder.kind == "pages" else score.crops(labels, read)
    names = {"f": "f", "recall": "recall"} if folder.kind == "pages" else {"accuracy": "word_accuracy", "cer": "cer"}
    return "".join(
        f"{own} {found[own]} here, {theirs[name]} by score.py. "
        for own, name in names.items()
        if abs(found[own] - theirs[name]) > 2e-4
    )


def cell(name: str, row: dict[str, Any]) -> str:
    """A row of the results as the table shows it."""
    if "accuracy" in row:
        return f"{row['accuracy']:.3f} / {row['exact']:.3f} / {row['cer']:.3f}"
    if name in RECALL_ALONE:
        return f"R {row['recall']:.3f}"
    return f"{row['recall']:.3f} / {row['precision']:.3f} / **{row['f']:.3f}**"


def table(results: dict[str, dict[str, Any]], quotes: dict[str, dict[str, str]]) -> str:
    """The Markdown table."""
    engines = list(dict.fromkeys(engine for rows in results.values() for engine in rows))
    others = [peer for peer in dict.fromkeys(p for row in quotes.values() for p in row) if peer not in engines]
    lines = [
        "| set | counted | " + " | ".join([*engines, *(f"{peer} (quoted)" for peer in others)]) + " |",
        "|---" * (2 + len(engines) + len(others)) + "|",
    ]
    for name, rows in results.items():
        first = next(iter(rows.values()))
        count = (
            f"{first['pictures']} pages, {first['words']} words" if "words" in first else f"{first['pictures']} crops"
        )
        own = [cell(name, rows[engine]) if engine in rows else "-" for engine in engines]
        # Times of another machine say nothing here.
        told = [re.sub(r", [\d.]+ m?s$", "", quotes.get(name, {}).get(peer, "-")) for peer in others]
        lines.append(f"| {name} | {count} | " + " | ".join([*own, *told]) + " |")
    return "\n".join(lines)


def speeds(results: dict[str, dict[str, Any]]) -> str:
    """Time a picture of every further engine as a multiple of the first one's, which are comparable within a run."""
    lines = []
    for name, rows in results.items():
        (first, base), *rest = rows.items()
        ratios = ", ".join(f"{engine} {row['seconds'] / max(base['seconds'], 1e-6):.1f}" for engine, row in rest)
        if ratios:
            lines.append(f"- {name}: {first} 1, {ratios}")
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        "python": platform.python_version(),
        "versions": versions,
    }


def write(out: Path, results: dict[str, dict[str, Any]], quotes: dict[str, dict[str, str]], command: str) -> str:
    """accuracy.json and accuracy.md; returns the Markdown."""
    facts = machine()
    text = "\n\n".join(
        [
            table(results, quotes),
            "Pages: recall / precision / F of words, letters and digits, case ignored. Crops: caseless letters and "
            "digits / exact / character error rate.",
            f"Command: `{command}`. {facts['machine']}, Python {facts['python']}, "
            + ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
            + ".",
            speeds(results),
        ]
    )
    out.mkdir(parents=True, exist_ok=True)
    form = {"command": command, **facts, "results": results}
    (out / "accuracy.json").write_text(json.dumps(form, indent=1), "utf-8")
    (out / "accuracy.md").write_text(text + "\n", "utf-8")
    return text


def open_readers(options: argparse.Namespace) -> dict[str, PageReader]:
    """Every engine that was asked for, by its name in the table."""
    names = options.bundles.split(",")
    readers: dict[str, PageReader] = {
        Bundle.load(name).name: Reader(name, engine=options.engine, threads=options.threads) for name in names if name
    }
    return readers | (open_peers() if options.peers else {})


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--eval", type=Path, default=Path("../shared/eval"), help="the folder of labelled sets")
    parser.add_argument("--sets", default="", help="names with commas; all where left out")
    parser.add_argument("--bundles", default="english", help="names or paths with commas")
    parser.add_argument("--peers", action="store_true", help="the peers that are installed too")
    parser.add_argument("--engine", default="auto", help="the inference engine of the bundles")
    parser.add_argument("--threads", type=int, help="for the bundles' networks")
    parser.add_argument("--limit", type=int, help="only the first pictures of each set")
    parser.add_argument("--out", type=Path, default=Path("runs/accuracy"), help="the folder that is written")
    options = parser.parse_args()
    sets = [name for name in options.sets.split(",") if name]
    names = sets or sorted(path.parent.name for path in options.eval.glob("*/labels.jsonl"))
    readers, quotes = open_readers(options), quoted(options.eval)
    command = "python " + " ".join(sys.argv)
    saved = options.out / "accuracy.json"
    results: dict[str, dict[str, Any]] = json.loads(saved.read_text("utf-8"))["results"] if saved.is_file() else {}
    for name in names:
        folder = read_labels(options.eval / name)
        folder = replace(folder, entries=folder.entries[: options.limit])
        for engine, reader in readers.items():
            if results.get(name, {}).get(engine, {}).get("pictures") == len(folder):
                continue
            if folder.kind == "pages" and isinstance(reader, Reader) and reader.bundle.detector is None:
                continue
            predictions = options.out / "predictions" / f"{name}.{engine.replace(' ', '_')}.jsonl"
            row = measure(reader, folder, predictions)
            results.setdefault(name, {})[engine] = row
            print(f"{name}, {engine}: {cell(name, row)} {check(folder, predictions, row)}", flush=True)
            write(options.out, results, quotes, command)
    print(write(options.out, results, quotes, command))


if __name__ == "__main__":
    main()
