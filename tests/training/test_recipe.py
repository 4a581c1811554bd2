"""Recipes: defaults, and every mistake at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_runs import LEAST

from ocrsmith.errors import RecipeError
from ocrsmith.training.recipe_loading import builtin_recipes, find_recipe, load_recipe, parse_recipe

SMALL: dict[str, Any] = {**LEAST, "recognizer": {}}


def test_two_keys_are_enough() -> None:
    recipe = parse_recipe(SMALL)
    assert recipe.make_alphabet().characters == tuple("0123456789")
    assert recipe.minutes == 20
    assert recipe.detector is None
    assert recipe.recognizer is not None
    assert recipe.recognizer.patience == 25
    assert [world.scene for world in recipe.recognizer.world] == ["line"]


def test_the_detector_is_less_patient() -> None:
    recipe = parse_recipe({**SMALL, "detector": {}})
    assert recipe.detector is not None
    assert recipe.detector.patience == 5


def test_all_mistakes_come_together_each_with_the_nearest() -> None:
    form = {
        **LEAST,
        "minuts": 5,
        "recognizer": {"lerning_rate": 0.1, "batch_size": 0, "world": [{"scene": "lines"}]},
        "pictures": [{"folder": "x", "comparision": "digits"}],
    }
    with pytest.raises(RecipeError) as caught:
        parse_recipe(form)
    message = str(caught.value)
    assert "has 5 mistakes" in message
    assert "minuts is not known; did you mean 'minutes'?" in message
    assert "recognizer.lerning_rate is not known; did you mean 'learning_rate'?" in message
    assert "recognizer.batch_size: input should be greater than or equal to 1 (came as 0)" in message
    assert "recognizer.world[0].scene is 'lines'; did you mean 'line'? (known: line, display_line)" in message
    assert "pictures[0].comparision is not known; did you mean 'comparison'?" in message


def test_what_is_missing_is_named() -> None:
    with pytest.raises(RecipeError, match=r"1\. name is missing\n  2\. alphabet is missing"):
        parse_recipe({})


def test_a_bad_alphabet_is_a_mistake_of_the_recipe() -> None:
    with pytest.raises(RecipeError, match="alphabet: The alphabet repeats '0'"):
        parse_recipe({**SMALL, "alphabet": "00"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recognizer": {"world": [{"margin_share": 1}]}}, r"recognizer.world\[0\].margin_share is not known"),
        ({"recognizer": {"model": "light_ct"}}, "recognizer.model is 'light_ct'; did you mean 'light_ctc'"),
        ({"recognizer": {"settings": {"widhts": [1]}}}, "recognizer.settings.widhts is not known; .*'widths'"),
        ({"text": {"kind": "randm"}}, "text.kind is 'randm'; did you mean 'random'"),
        ({"detector": {"thresholds": {"box": 0.5}}}, "detector.thresholds.box is not known .*low_text"),
        ({"detector": {"thresholds": {"text": "high"}}}, "detector.thresholds.text: input should be a valid number"),
        ({"detector": {"scale": {"max_side": 0}}}, "detector.scale: value error, A scale rule's sides"),
        ({"recognizer": {"mixtures": [0.1]}}, "recognizer.mixtures .* recognizer.start is none"),
        ({"recognizer": {"spaces": {}}}, "recognizer.spaces puts spaces .* the alphabet has none"),
        ({"recognizer": {"rereading": {"belw": 0.5}}}, "recognizer.rereading.belw is not known; .*'below'"),
        ({"recognizer": {"rereading": {"below": 2}}}, "recognizer.rereading: value error, Rereading below"),
        ({"recognizer": None}, "neither a detector nor a recogniser"),
        ({"pictures": [{"folder": "nowhere"}]}, r"pictures\[0\].folder: .*nowhere does not exist"),
    ],
)
def test_mistakes_beyond_types(change: dict[str, Any], message: str) -> None:
    form = {key: value for key, value in {**SMALL, **change}.items() if value is not None}
    with pytest.raises(RecipeError, match=message):
        parse_recipe(form)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\nalphabet = {characters = "abc", case = "lower"}\n[recognizer]\nshare = 1\n')
    recipe = load_recipe(path)
    assert recipe.folder == tmp_path
    assert recipe.alphabet.case == "lower"
    path.write_text("name = ")
    with pytest.raises(RecipeError, match="is not TOML"):
        load_recipe(path)


def test_an_unknown_name_lists_the_packaged_ones() -> None:
    with pytest.raises(RecipeError, match=r"There is no recipe 'seven_segmant'.*seven_segment"):
        find_recipe("seven_segmant")


@pytest.mark.parametrize("name", sorted(builtin_recipes()))
def test_packaged_recipes_are_whole(name: str) -> None:
    assert load_recipe(name).name == name


def test_groups_of_fonts_hold_the_whole_alphabet() -> None:
    form = {"name": "two", "alphabet": "ab \u03b1\u03b2", "recognizer": {}}
    recipe = parse_recipe({**form, "fonts": {"groups": ["ab", "\u03b1\u03b2"]}})
    assert recipe.fonts.groups == ("ab", "\u03b1\u03b2")
    with pytest.raises(RecipeError, match=r"fonts\.groups leave out .* which the alphabet has"):
        parse_recipe({**form, "fonts": {"groups": ["ab", "\u03b1"]}})


def test_what_a_recipe_says_of_reading_goes_into_the_bundle() -> None:
    form = {**LEAST, "alphabet": "0123456789 ", "recognizer": {"crop_margin": 0.1, "spaces": {"least": 0.5}}}
    table = parse_recipe(form).recognizer
    assert table is not None
    reading = table.reading({"min_confidence": 0.3})
    assert (reading["crop_margin"], reading["spaces"]["least"], reading["spaces"]["hint"]) == (0.1, 0.5, 0.15)
    # Only a recogniser made better on real pictures keeps what its start says.
    assert "min_confidence" not in reading and "rereading" not in reading
