"""Does a rich world pay? The same recogniser from nothing, on as many samples of a plain line world and of the full.

    python benchmarks/worlds.py --eval ../shared/eval
    python benchmarks/worlds.py --eval ../shared/eval --samples 128000 --out runs/worlds

Both share the network (`light_ctc`), the seed, the fonts, the texts, the backgrounds, the number of samples and the
schedule. The plain world has flat ink on photographs and paint, straight and level; the full one is the default of
`[[recognizer.world]] scene = "line"`. Scores are taken on real words and lines that nothing was trained on. A run that
is killed goes on. About 15 minutes a world on one core with 128,000 samples.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ocrsmith.training.recipe_loading import parse_recipe
from ocrsmith.training.run import train

WORLDS: dict[str, dict[str, Any]] = {
    "plain": {
        "richness": 0.0,
        "degradation": 0.0,
        "warp": 0.0,
        "bent": 0.0,
        "extras": 0.0,
        "squeezed": 0.0,
        "cut": 0.0,
    },
    "full": {},
}
ALPHABET = "".join(chr(code) for code in range(32, 127))
# More than any run needs: the number of steps ends it, so that both worlds give as many samples.
MINUTES = 600
BATCH = 64


def recipe_form(name: str, world: dict[str, Any], samples: int, pictures: list[dict[str, Any]]) -> dict[str, Any]:
    """A recipe as a dictionary: the recogniser alone."""
    return {
        "name": f"worlds_{name}",
        "seed": 7,
        "minutes": MINUTES,
        "alphabet": ALPHABET,
        "text": {
            "kind": "mixture",
            "parts": [
                {"kind": "words", "weight": 8},
                {"kind": "numbers", "weight": 1},
                {"kind": "random", "weight": 1},
            ],
        },
        "recognizer": {
            "model": "light_ctc",
            "share": 1.0,
            "steps": samples // BATCH,
            "steps_per_epoch": 250,
            "patience": 1000,
            "batch_size": BATCH,
            "learning_rate": 2e-3,
            "world": [{"scene": "line", **world}],
        },
        "pictures": pictures,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--eval", type=Path, required=True, help="a folder with words_iiit5k and lines_uw3")
    parser.add_argument("--samples", type=int, default=128_000)
    parser.add_argument("--out", type=Path, default=Path("runs/worlds"))
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--worlds", default=",".join(WORLDS), help="which, of " + ", ".join(WORLDS))
    args = parser.parse_args()
    sets = [path.resolve() for path in (args.eval / "words_iiit5k", args.eval / "lines_uw3") if path.is_dir()]
    if not sets:
        parser.error(f"{args.eval} holds neither words_iiit5k nor lines_uw3")
    pictures = [
        {"folder": str(path), "name": path.name, "kind": "lines", "comparison": "letters_and_digits"} for path in sets
    ]
    results = {}
    for name in args.worlds.split(","):
        recipe = parse_recipe(recipe_form(name, WORLDS[name], args.samples, pictures))
        results[name] = train(recipe, args.out / name, workers=args.workers)
    print(f"\n{args.samples:,} samples each; shares, counted on")
    scores = {
        name: {(row.data, row.measure): row for row in result.scores if row.unit == "%"}
        for name, result in results.items()
    }
    first = next(iter(scores.values()))
    for (data, measure), row in first.items():
        figures = "".join(f"{of[data, measure].after or 0.0:>9.3f}" for of in scores.values())
        print(f"{data:16}{measure:32}{figures}{row.num_counted:>8}")
    print(" " * 48 + "".join(f"{name:>9}" for name in scores))


if __name__ == "__main__":
    main()
