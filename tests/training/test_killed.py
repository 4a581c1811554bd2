"""A whole run on the command line, killed in each of its two trainings, ends as one that was left alone."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tiny_runs import DETECTOR, FORM, RECOGNIZER

# A checkpoint after every step, and time enough that the number of steps alone sets the learning rate.
LONG = {"steps": 24, "steps_per_epoch": 6, "checkpoint_minutes": 1e-6, "warmup_steps": 5, "workers": 0}
RECIPE: dict[str, Any] = {
    **FORM,
    "minutes": 100_000,
    "test_samples": 2,
    "detector": {**DETECTOR, **LONG},
    "recognizer": {**RECOGNIZER, **LONG},
}
ROLES = ("detector", "recognizer")
PATIENCE_SECONDS = 600


def start(recipe: Path, folder: Path) -> subprocess.Popen[bytes]:
    """`ocrsmith train` in a process of its own; one thread, whose sums come in one order."""
    command = [
        sys.executable,
        "-m",
        "ocrsmith",
        "train",
        str(recipe),
        "--out",
        str(folder),
        "--accelerator",
        "cpu",
        "-q",
    ]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return subprocess.Popen(command, env={**os.environ, **threads}, stderr=subprocess.PIPE)


def finish(recipe: Path, folder: Path) -> None:
    process = start(recipe, folder)
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, errors.decode()


def kill_in(role: str, recipe: Path, folder: Path) -> int:
    """Kills a run once the training of `role` has a checkpoint; the step that the checkpoint is of."""
    checkpoint = folder / role / "last.ckpt"
    process = start(recipe, folder)
    until = time.monotonic() + PATIENCE_SECONDS
    try:
        while not checkpoint.is_file():
            assert process.poll() is None and time.monotonic() < until, (process.stderr or sys.stdin).read()
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert role not in json.loads((folder / "run.json").read_text())["phases"], "the kill came after the training"
    return int(torch.load(checkpoint, map_location="cpu", weights_only=True)["global_step"])


def history(folder: Path, role: str) -> list[dict[str, str]]:
    with (folder / role / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_run_killed_in_both_trainings_ends_as_one_left_alone(tmp_path: Path) -> None:
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(toml(RECIPE))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finish(recipe, whole)
    steps = {role: kill_in(role, recipe, killed) for role in ROLES}
    assert all(0 < step < 24 for step in steps.values()), steps
    finish(recipe, killed)
    for role in ROLES:
        expected, found = (load_file(folder / role / "model.safetensors") for folder in (whole, killed))
        assert expected.keys() == found.keys()
        for name, values in expected.items():
            torch.testing.assert_close(found[name], values, rtol=0, atol=0, msg=f"{role} {name}")
        assert history(killed, role) == history(whole, role)
        fits = [json.loads((folder / "run.json").read_text())["phases"][role]["fit"] for folder in (whole, killed)]
        assert [fit["steps"] for fit in fits] == [24, 24]
        assert fits[0]["best_score"] == fits[1]["best_score"]


def toml(form: dict[str, Any]) -> str:
    """Tables of strings, numbers and lists, which TOML writes as JSON does, in tables of one level."""

    def value(given: Any) -> str:
        if isinstance(given, dict):
            return "{ " + ", ".join(f"{key} = {value(inner)}" for key, inner in given.items()) + " }"
        return json.dumps(given)

    return "\n".join(f"{key} = {value(given)}" for key, given in form.items())
