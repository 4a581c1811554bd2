"""How well text was found: polygons matched one to one by intersection over union."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from ocrsmith.evaluation.counts import MatchCounts, add_counts
from ocrsmith.geometry import as_polygon

# A prediction that lies in an ignored region by more than this share of its own area is neither right nor wrong
# (ICDAR 2015 robust reading, challenge 4, task 1).
IGNORED_SHARE = 0.5


@dataclass(frozen=True)
class PolygonMatches:
    """Which polygons of a page belong together.

    `pairs` holds (index of the truth, index of the prediction, IoU), best first. `forgiven[j]` says that prediction j
    lies in an ignored region and is not counted.
    """

    pairs: tuple[tuple[int, int, float], ...]
    forgiven: NDArray[np.bool_]


def match_polygons(
    truth: Sequence[ArrayLike],
    ignored: Sequence[bool],
    predicted: Sequence[ArrayLike],
    iou: float = 0.5,
) -> PolygonMatches:
    """Matches one to one, greedily, the pair of highest IoU first; only pairs of at least `iou` are matched.

    Ignored truths match nothing, and a prediction that lies mostly in one is forgiven. A polygon that crosses itself
    is taken as `buffer(0)` leaves it; one of fewer than three points, without area or with NaN matches nothing.

    Args:
        truth: polygons (P, 2) in pixels; P may differ.
        ignored: one flag a truth.
        predicted: polygons (P, 2) in pixels.
        iou: least intersection over union, in 0 to 1.
    """
    candidates, forgiven = _candidates(truth, ignored, predicted, iou)
    return PolygonMatches(_greedy(candidates), forgiven)


def _candidates(
    truth: Sequence[ArrayLike], ignored: Sequence[bool], predicted: Sequence[ArrayLike], iou: float
) -> tuple[list[tuple[float, int, int]], NDArray[np.bool_]]:
    """(IoU, truth, prediction) of the pairs that may be matched, best first, and which predictions are forgiven."""
    if len(truth) != len(ignored):
        raise ValueError(f"{len(truth)} truths came with {len(ignored)} ignore flags. Give one flag a truth.")
    truth_shapes, predicted_shapes = _shapes(truth), _shapes(predicted)
    flags = np.asarray(ignored, dtype=bool).reshape(-1)
    if not len(truth_shapes) or not len(predicted_shapes):
        return [], np.zeros(len(predicted_shapes), dtype=bool)
    # The tree compares bounding boxes first, so that a page of 1,000 words costs far fewer than a million overlaps.
    truth_index, predicted_index = shapely.STRtree(predicted_shapes).query(truth_shapes, predicate="intersects")
    shared = shapely.area(shapely.intersection(truth_shapes[truth_index], predicted_shapes[predicted_index]))
    truth_area, predicted_area = shapely.area(truth_shapes), shapely.area(predicted_shapes)

    inside = flags[truth_index] & (shared > IGNORED_SHARE * np.maximum(predicted_area[predicted_index], 1e-6))
    forgiven = np.zeros(len(predicted_shapes), dtype=bool)
    forgiven[predicted_index[inside]] = True

    wanted = ~flags[truth_index] & ~forgiven[predicted_index] & (shared > 0)
    truth_index, predicted_index, shared = truth_index[wanted], predicted_index[wanted], shared[wanted]
    overlap = shared / (truth_area[truth_index] + predicted_area[predicted_index] - shared)
    enough = overlap >= iou
    candidates = zip(overlap[enough].tolist(), truth_index[enough].tolist(), predicted_index[enough].tolist())
    return sorted(candidates, reverse=True), forgiven


def _greedy(candidates: list[tuple[float, int, int]]) -> tuple[tuple[int, int, float], ...]:
    used_truth: set[int] = set()
    used_predicted: set[int] = set()
    pairs: list[tuple[int, int, float]] = []
    for overlap, a, b in candidates:
        if a not in used_truth and b not in used_predicted:
            used_truth.add(a)
            used_predicted.add(b)
            pairs.append((a, b, overlap))
    return tuple(pairs)


def _shapes(polygons: Sequence[ArrayLike]) -> NDArray[np.object_]:
    shapes = np.empty(len(polygons), dtype=object)
    for index, points in enumerate(polygons):
        try:
            shapes[index] = shapely.Polygon(as_polygon(points).astype(np.float64))
        except ValueError:
            shapes[index] = shapely.Polygon()
    return np.asarray(shapely.buffer(shapes, 0.0), dtype=object).reshape(-1)


@dataclass(frozen=True)
class BoxCounts(MatchCounts):
    """Sums of matched polygons: precision, recall and F of detection at one IoU, pairs as by `match_polygons`."""

    num_forgiven: int = 0  # predictions in ignored regions, in none of the other sums
    iou_threshold: float = 0.5

    @classmethod
    def from_page(
        cls,
        truth: Sequence[ArrayLike],
        ignored: Sequence[bool],
        predicted: Sequence[ArrayLike],
        iou: float = 0.5,
    ) -> BoxCounts:
        """Counts one page; the arguments are those of `match_polygons`."""
        return cls.from_page_at_scores(truth, ignored, predicted, np.zeros(len(predicted)), [0.0], iou)[0]

    @classmethod
    def from_page_at_scores(
        cls,
        truth: Sequence[ArrayLike],
        ignored: Sequence[bool],
        predicted: Sequence[ArrayLike],
        scores: ArrayLike,
        least_scores: Sequence[float],
        iou: float = 0.5,
    ) -> list[BoxCounts]:
        """Counts one page once for each of `least_scores`, with the predictions that score at least so much.

        `scores` holds one a prediction. The same as `from_page` on each part, at the price of one comparison.
        """
        candidates, forgiven = _candidates(truth, ignored, predicted, iou)
        score_of = np.asarray(scores, dtype=np.float64).reshape(-1)
        if len(score_of) != len(predicted):
            raise ValueError(f"{len(predicted)} predictions came with {len(score_of)} scores. Give one score each.")
        counts = []
        for least in least_scores:
            kept = score_of >= least
            pairs = _greedy([pair for pair in candidates if kept[pair[2]]])
            counts.append(
                cls(
                    num_matched=len(pairs),
                    num_truth=len(truth) - sum(map(bool, ignored)),
                    num_predicted=int((kept & ~forgiven).sum()),
                    num_pictures=1,
                    num_forgiven=int((kept & forgiven).sum()),
                    iou_threshold=iou,
                )
            )
        return counts

    def __add__(self, other: BoxCounts) -> BoxCounts:
        return add_counts(self, other, same=("iou_threshold",))
