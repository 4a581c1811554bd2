"""The tool that mixes the packaged recogniser: on networks of four weights."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from ocrsmith.alphabet import Alphabet

TOOLS = Path(__file__).parents[1] / "tools" / "bundles"


def network(value: float) -> SimpleNamespace:
    model = nn.Linear(2, 1)
    nn.init.constant_(model.weight, value)
    nn.init.constant_(model.bias, value)
    return SimpleNamespace(model=model)


def test_a_bundle_is_mixed_between_its_start_and_a_trained_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLS))
    import mix_english

    started: list[tuple[str, str]] = []
    written: dict[str, Any] = {}

    def start_network(role: str, alphabet: Alphabet, *, start: str) -> SimpleNamespace:
        started.append((role, start))
        return network(1.0 if start.endswith(".ocrsmith") else 0.0)

    def export(path: Path, detector: Any, recognizer: Any, about: dict[str, Any]) -> Path:
        written.update(path=path, recognizer=recognizer, about=about)
        return path

    monkeypatch.setattr(mix_english, "english_alphabet", lambda: (Alphabet("ab"), "c"))
    monkeypatch.setattr(mix_english, "card", lambda *given: {"modifications": "none", "lacking": given[2]})
    monkeypatch.setattr(mix_english, "start_network", start_network)
    monkeypatch.setattr(mix_english, "export", export)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)  # the other tests' threads stay theirs
    trained = tmp_path / "trained.ocrsmith"
    assert mix_english.mix(trained, 0.2, tmp_path / "english.ocrsmith") == tmp_path / "english.ocrsmith"

    assert started == [
        ("detector", "ppocr_v6_small"),
        ("recognizer", "ppocr_v6_small"),
        ("recognizer", str(trained)),
    ]
    state = written["recognizer"].model.state_dict()
    # Weights as 16 bits write them, vectors as they are.
    assert state["weight"].tolist() == [[float(torch.tensor(0.2).half())] * 2]
    assert state["bias"].tolist() == [pytest.approx(0.2)]
    assert "20% of the way" in written["about"]["modifications"]
    assert written["about"]["lacking"] == "c"
