"""Clusters of a shaped run: pieces joined, spaces given a box, characters without ink and advance put to others."""

from __future__ import annotations

from ocrsmith.synth.clusters import clusters_of, joined_pieces


def test_joined_pieces_span_both() -> None:
    first, second = (0, 64, (0, -8, 5, 0)), (32, 128, (3, -10, 9, 2))
    assert joined_pieces(first, second) == (0, 128, (0, -10, 9, 2))
    assert joined_pieces((0, 64, None), second) == (0, 128, (3, -10, 9, 2))
    assert joined_pieces((0, 64, None), (64, 64, None)) == (0, 64, None)


def test_a_space_has_its_advance_and_an_x_height() -> None:
    pieces = {0: (0, 640, (1, -7, 9, 0)), 1: (640, 960, None)}
    assert clusters_of("a ", pieces, 5.0, False) == (("a", " "), [(1, -7, 9, 0), (10.0, -5.0, 15.0, 0.0)])
    assert clusters_of("a ", pieces, 5.0, True)[1][1] == (-2.5, 10.0, 2.5, 15.0)


def test_ligatures_and_characters_that_draw_nothing_belong_to_a_neighbour() -> None:
    ink = (0, -7, 9, 0)
    assert clusters_of("fi", {0: (0, 640, ink)}, 5.0, False) == (("fi",), [ink])
    # Nothing drawn and no advance: to the one before; at the start, to what follows.
    assert clusters_of("a\u200db", {0: (0, 64, ink), 1: (64, 64, None), 2: (64, 128, ink)}, 5.0, False)[0] == (
        "a\u200d",
        "b",
    )
    assert clusters_of("\u200da", {1: (0, 64, ink)}, 5.0, False) == (("\u200da",), [ink])
