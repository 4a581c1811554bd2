"""The preview page: everything in one file, everything escaped, every number counted."""

from __future__ import annotations

import base64
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ocrsmith.errors import StorageError
from ocrsmith.geometry import box_quad
from ocrsmith.images import read_image
from ocrsmith.samples import Character, LineSample, PageSample, TextInstance
from ocrsmith.synth.preview_counts import SampleCounts, histogram_svg, ink_contrast
from ocrsmith.synth.preview_page import write_preview
from ocrsmith.synth.world import Tally


@dataclass(frozen=True)
class Plan:
    font: str
    text: str


def page() -> PageSample:
    """Two texts of 10 px, dark (40) on light (240), one of them ignored."""
    image = np.full((60, 100, 3), 240, np.uint8)
    image[10:20:2, 10:40] = 40
    quads = [box_quad(10 + 15 * i, 10, 25 + 15 * i, 20) for i in range(2)]
    first = TextInstance(
        box_quad(10, 10, 40, 20), "ab", tuple(Character(c, q) for c, q in zip("ab", quads)), ignore=False
    )
    return PageSample(image, (first, TextInstance(box_quad(10, 40, 40, 50), "zz", ignore=True)))


class World:
    tally = Tally(2, refused=Counter({"NoRoomError": 3}))

    def labelled(self, index: int) -> tuple[Plan, PageSample]:
        return Plan("Some <Font>", "</pre><script>"), page()


def test_the_page_stands_alone(tmp_path: Path) -> None:
    path = write_preview(World(), tmp_path / "p.html", 2, [page()], title="A & B")
    text = path.read_text(encoding="utf-8")
    assert text.count("<figure>") == 2 and text.count("data:image/jpeg") == 2
    assert "<script" not in text and "&lt;/pre&gt;&lt;script&gt;" in text and "A &amp; B" in text
    assert "http" not in text.replace("http-equiv", "")
    assert "Some &lt;Font&gt;" in text and "NoRoomError" in text and "your 2 labelled texts" in text
    assert 'class="other"' in text


def test_without_a_reference_there_is_no_comparison(tmp_path: Path) -> None:
    text = write_preview(World(), tmp_path / "p.html", 1).read_text(encoding="utf-8")
    assert "labelled texts" not in text and 'class="other"' not in text.split("<main>")[1]


def test_lines_are_shown_with_their_text(tmp_path: Path) -> None:
    class Lines:
        def labelled(self, index: int) -> tuple[dict[str, object], LineSample]:
            return {"style": {"font": "F", "n": 1}}, LineSample(np.zeros((32, 90, 3), np.uint8), "a<b")

    text = write_preview(Lines(), tmp_path / "p.html", 3).read_text(encoding="utf-8")
    assert text.count("a&lt;b") == 3 and "<td>F</td>" in text


def test_a_line_with_characters_is_shown_enlarged_with_their_quads(tmp_path: Path) -> None:
    class Lines:
        def labelled(self, index: int) -> tuple[None, PageSample]:
            line = page().image[:24]
            return None, PageSample(line, page().instances[:1])

    path = write_preview(Lines(), tmp_path / "p.html", 1)
    (encoded,) = re.findall(r"data:image/jpeg;base64,([^\"]+)", path.read_text(encoding="utf-8"))
    shown = read_image(base64.b64decode(encoded)).astype(int)
    assert shown.shape == (2 * 3 * 24, 300, 3)
    # Green lies in the lower half alone, on the characters' sides.
    green = shown[..., 1] - shown[..., 0] > 60
    assert not green[:72].any() and green[72 + 32 : 72 + 58, 30].all()


def test_counts() -> None:
    counts = SampleCounts()
    counts.add(page(), [{"font": "F"}, {"lines": [{"font": "G"}, {"font": "F"}]}])
    assert (counts.texts, counts.ignored) == (2, 1)
    assert counts.fonts == {"F": 2, "G": 1} and counts.characters == {"a": 1, "b": 1, "z": 2}
    assert counts.heights == [10.0] and counts.lengths == {2: 2}
    assert counts.contrasts == [pytest.approx(200.0, abs=1)]


def test_contrast_of_light_ink_and_of_nothing() -> None:
    image = np.full((20, 40, 3), 30, np.uint8)
    assert ink_contrast(image) == 0.0
    image[5:9, 5:30] = 230
    assert ink_contrast(image) == pytest.approx(200.0, abs=1)


def test_histograms_of_odd_values() -> None:
    assert histogram_svg([]) == ""
    assert histogram_svg([5.0]).count("<rect") == 24
    assert "polyline" in histogram_svg([1.0, 2.0], [3.0], logarithmic=True)


def test_histograms_of_counts_have_whole_numbers_below() -> None:
    drawn = histogram_svg([3.0, 3.0, 19.0], whole=True)
    labels = re.findall(r"<text[^>]*>([^<]+)</text>", drawn)
    assert labels == ["3", "7", "11", "15", "19", "23", "27"]
    # Two of three texts have 3 characters: the first bar is full, that of 19 half as high.
    heights = [float(h) for h in re.findall(r'<rect class="own"[^>]*height="([\d.]+)"', drawn)]
    assert heights[0] == 130.0 and heights[16] == 65.0 and sum(h > 0 for h in heights) == 2


def test_an_unwritable_place_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        write_preview(World(), tmp_path / "no" / "p.html", 1)
