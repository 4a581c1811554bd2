"""The report: it says what got worse, asks for nothing outside itself, and shows strange texts as texts."""

from __future__ import annotations

import html.parser
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ocrsmith.errors import InputError, StorageError
from ocrsmith.evaluation.curves import MAX_POINTS, Curve, curve_from_csv, curve_svg
from ocrsmith.evaluation.mistakes import Mistake
from ocrsmith.evaluation.report import (
    ReportPicture,
    RunRecord,
    ScoreRow,
    duration,
    marked_difference,
    picture_uri,
    rows_beside,
    score_values,
    shown,
    shown_change,
    shown_interval,
    write_report,
)
from ocrsmith.evaluation.result import EvaluationResult
from ocrsmith.evaluation.text import TextCounts
from ocrsmith.synth.world import Tally

PICTURE = np.full((20, 60, 3), 120, np.uint8)
DRAWN = Tally(
    90, Counter({"TextDoesNotFitError": 10}), Counter({"NoRoomError": 3}), Counter("aab "), Counter({1: 2, 2: 1})
)
BETTER = ScoreRow("meters", "exact", 0.63, 0.88, 100)
WORSE = ScoreRow("pumps", "exact", 0.7, 0.6, 10)


class Links(html.parser.HTMLParser):
    """Every address that a page names."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "srcset", "data")]


def links(page: str) -> Links:
    parser = Links()
    parser.feed(page)
    return parser


def full_record() -> RunRecord:
    return RunRecord(
        name="seven <segment>",
        summary="From nothing.",
        scores=[BETTER, WORSE, ScoreRow("scenes", "words F", None, 0.8, 215, is_share=False)],
        warnings=["The run was stopped early."],
        notes=["The backbone was frozen."],
        samples=[ReportPicture("Lines", PICTURE, "24 of many")],
        curves=[Curve("Loss", {"train": ((0.0, 3.0), (1.0, 1.0)), "none": ()}, best_x=1.0)],
        mistakes={
            "meters": [
                Mistake(PICTURE, "a.png", "<b>1.5</b>", "<b>15</b>", 0.9),
                Mistake(PICTURE, "b.png", "", "x", 0.5, "invented"),
                Mistake(PICTURE, "c.png", "7", "", None, "missed"),
            ]
        },
        confusions={"meters": [(".", "", 24), (" ", "1", 2)]},
        failures={"meters": ["d.png is damaged"]},
        refusals={"too small": 12},
        num_draws=100,
        drawn={"Training lines": DRAWN},
        timings={"training": 75.0},
        environment={"torch": "2.13"},
        recipe='name = "x"\n',
    )


def test_a_full_page_is_self_contained(tmp_path: Path) -> None:
    page = write_report(tmp_path / "new" / "report.html", full_record()).read_text()
    found = links(page)
    assert found.found and all(link.startswith(("data:image/", "#")) for link in found.found)
    assert not {"script", "link", "iframe"} & set(found.tags) and "default-src 'none'" in page
    assert "b" not in found.tags and "segment" not in found.tags, "texts must be escaped"
    for piece in (
        "63.0 %",
        "88.0 %",
        "+25.0 points",
        "not found",
        "no text here",
        "12 of 100",
        "1 min 15 s",
        "d.png",
        "90 samples, 10 draws refused (10.0 %)",
        "NoRoomError",
    ):
        assert piece in page
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["report.html"]


def test_what_got_worse_is_said(tmp_path: Path) -> None:
    warnings = full_record().all_warnings()
    assert warnings == [
        "The run was stopped early.",
        "The result is worse than the start on pumps: exact 70.0 % → 60.0 % (10 counted).",
    ]
    assert warnings[1] in write_report(tmp_path / "report.html", full_record()).read_text()


def test_an_empty_record(tmp_path: Path) -> None:
    page = write_report(tmp_path / "report.html", RunRecord("nothing yet")).read_text()
    assert "nothing yet" in page and "<h2>" not in page


def test_a_folder_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(StorageError, match="could not be written"):
        write_report(tmp_path / "report.html", RunRecord("x"))


@pytest.mark.parametrize(
    ("before", "after", "higher", "verdict"),
    [
        pytest.param(0.5, 0.6, True, "better", id="a higher accuracy"),
        pytest.param(0.1, 0.2, False, "worse", id="a higher error rate"),
        pytest.param(0.5, 0.5, True, "same", id="no change"),
        pytest.param(None, 0.5, True, "new", id="nothing before"),
    ],
)
def test_verdicts(before: float | None, after: float, higher: bool, verdict: str) -> None:
    assert ScoreRow("d", "m", before, after, 10, higher).verdict == verdict


def test_how_figures_are_shown() -> None:
    assert (shown(BETTER, "before"), shown(BETTER, "after"), shown_change(WORSE)) == ("63.0 %", "88.0 %", "−10.0")
    assert shown_interval(BETTER) == "80–93 %"
    assert shown_interval(ScoreRow("d", "F", None, 0.5, 10, is_share=False)) == ""
    assert shown(ScoreRow("d", "m", None, 3.14159, 1, unit="ms"), "after") == "3.14 ms"
    assert [duration(s) for s in (0.85, 12.34, 250, 7500)] == ["850 ms", "12.3 s", "4 min 10 s", "2 h 5 min"]


def test_rows_of_two_evaluations() -> None:
    before = EvaluationResult("m", "crops", 2, 0.2, TextCounts.from_pairs([("ab", "ab"), ("c", "d")]))
    after = EvaluationResult("m", "crops", 2, 0.1, TextCounts.from_pairs([("ab", "ab"), ("c", "c")]))
    rows = rows_beside(score_values(before), after)
    assert [(r.measure, r.before, r.after, r.verdict) for r in rows[1:]] == [
        ("exact", 0.5, 1.0, "better"),
        ("character error rate", pytest.approx(1 / 3), 0.0, "better"),
        ("time a picture", pytest.approx(100), pytest.approx(50), "better"),
    ]
    assert rows_beside({}, after)[0].verdict == "new"


def test_differences_are_marked() -> None:
    assert marked_difference("1.5", "15") == ("1<mark>.</mark>5", "15")
    assert marked_difference("a<b", "a>b") == ("a<mark>&lt;</mark>b", "a<mark>&gt;</mark>b")
    assert marked_difference("", "") == ("", "")


def test_large_pictures_are_shrunk() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 3200, 3), dtype=np.uint8)
    assert picture_uri(noise).startswith("data:image/jpeg;base64,")
    assert picture_uri(PICTURE).startswith("data:image/png;base64,")


def test_curves_from_a_log_with_gaps(tmp_path: Path) -> None:
    log = tmp_path / "metrics.csv"
    log.write_text("epoch,step,train_loss,val_loss\n0,1,3.0,\n0,1,,2.5\n1,2,nan,\n1,2,1.0,\n")
    curve = curve_from_csv(log, ["train_loss", "val_loss", "absent"], title="Loss")
    assert curve.series == {"train_loss": ((1.0, 3.0), (2.0, 1.0)), "val_loss": ((1.0, 2.5),)}
    with pytest.raises(InputError, match="no column 'time'"):
        curve_from_csv(log, ["train_loss"], title="Loss", x="time")
    with pytest.raises(InputError, match="cannot be read"):
        curve_from_csv(tmp_path / "absent.csv", [], title="Loss")


def test_a_curve_is_one_small_svg_element() -> None:
    long = tuple((float(x), 1 / (x + 1)) for x in range(100_000))
    svg = curve_svg(Curve("Loss", {"train": long}))
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg") and "width" not in root.attrib
    assert len(svg) < 60_000 and "#000000" not in svg and MAX_POINTS == 500
    assert curve_svg(Curve("Loss", {"train": long})) == svg
    assert curve_svg(Curve("Empty", {})).startswith("<svg")
