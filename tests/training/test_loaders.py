"""The same batches with any number of workers and from any step on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from ocrsmith.alphabet import Alphabet
from ocrsmith.data.batches import LineBatches, RecognizerBatch
from ocrsmith.preprocess import DetectorInput, RecognizerInput
from ocrsmith.samples import LineSample
from ocrsmith.synth.world import Tally
from ocrsmith.training.loaders import (
    BatchStream,
    CollateEach,
    default_workers,
    first_batches,
    normalize_on_device,
    threads_beside,
)

CONTRACT = RecognizerInput(height=8, min_width=8, max_width=64, width_multiple=8, step_px=4)
ASSEMBLE = LineBatches(Alphabet("0123456789"), CONTRACT, seed=5)


class NumberWorld:
    """Sample i writes i, on a crop whose width and pixels follow from i."""

    def __getitem__(self, index: int) -> LineSample:
        rng = np.random.default_rng([7, 0, index])
        return LineSample(rng.integers(0, 256, (8, int(rng.integers(30, 64)), 3), dtype=np.uint8), str(index))


def stream(workers: int, steps: int = 6, position: int = 0) -> BatchStream[RecognizerBatch]:
    return BatchStream(
        NumberWorld(),
        ASSEMBLE,
        batch_size=4,
        steps_per_epoch=steps,
        position=lambda: position,
        batches_per_pool=4,
        workers=workers,
    )


def assert_equal(one: Sequence[RecognizerBatch], other: Sequence[RecognizerBatch]) -> None:
    assert [batch.texts for batch in one] == [batch.texts for batch in other]
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.stack, b.stack)


def test_two_workers_give_what_none_give() -> None:
    alone, shared = stream(0), stream(2)
    assert_equal(list(alone), list(shared))
    shared.close()


def test_workers_counts_come_home() -> None:
    class Counting(NumberWorld):
        def __init__(self) -> None:
            self.tally = Tally()

        def __getitem__(self, index: int) -> LineSample:
            sample = super().__getitem__(index)
            self.tally.count(sample)
            return sample

        def check_patience(self) -> None:
            """Never lost."""

    tallies = []
    for workers in (0, 2):
        world = Counting()
        batches = BatchStream(world, ASSEMBLE, batch_size=4, steps_per_epoch=8, batches_per_pool=4, workers=workers)
        list(batches)
        batches.close()
        tallies.append(world.tally)
    # Two pools of sixteen samples, whoever drew them.
    assert tallies[0] == tallies[1] and tallies[0].samples == 32 and tallies[0].lengths == {1: 10, 2: 22}


def test_from_a_step_on_is_the_rest_of_the_run() -> None:
    whole = list(stream(0, steps=11))
    for position in (1, 4, 7):
        assert_equal(whole[position:], list(stream(0, steps=11 - position, position=position)))


def test_epochs_go_on_and_a_jump_starts_anew() -> None:
    step = 0
    running = stream(0, steps=3)
    running.position = lambda: step
    whole = list(stream(0, steps=9))
    assert_equal(whole[:3], list(running))
    step = 3
    assert_equal(whole[3:6], list(running))
    step = 2
    assert_equal(whole[2:5], list(running))


def test_no_sample_is_seen_twice() -> None:
    texts = [text for batch in stream(0, steps=12) for text in batch.texts]
    assert sorted(map(int, texts)) == list(range(48))


def test_first_batches_are_cut_to_what_was_asked() -> None:
    batches = first_batches(NumberWorld(), ASSEMBLE, batch_size=4, num_batches=5, batches_per_pool=3)
    assert len(batches) == 5
    assert_equal(batches[:3], list(stream_of_three()))


def stream_of_three() -> BatchStream[RecognizerBatch]:
    return BatchStream(NumberWorld(), ASSEMBLE, batch_size=4, steps_per_epoch=3, batches_per_pool=3)


def test_collate_each_keeps_order() -> None:
    assert CollateEach(list)([1, 2, 3, 4, 5, 6], 0, 3) == [[1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"steps_per_epoch": 0}, {"workers": -1}])
def test_sizes_that_make_no_sense(wrong: dict[str, int]) -> None:
    settings = {"batch_size": 1, "steps_per_epoch": 1} | wrong
    with pytest.raises(ValueError, match="must be >= 1"):
        BatchStream(NumberWorld(), ASSEMBLE, **settings)


def test_pytorch_leaves_the_workers_their_processors() -> None:
    before = torch.get_num_threads()
    with threads_beside(10_000):
        assert torch.get_num_threads() == 1
    with threads_beside(0):
        assert torch.get_num_threads() <= before
    assert torch.get_num_threads() == before


def test_default_workers_leave_a_processor() -> None:
    assert 1 <= default_workers() <= 15


@pytest.mark.parametrize(
    "contract",
    [
        RecognizerInput(),
        RecognizerInput(channels="gray", mean=(0.4,), std=(0.2,)),
        RecognizerInput(channels="bgr", mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7)),
        DetectorInput(),
    ],
)
def test_normalising_on_the_device_equals_the_contract(contract: RecognizerInput | DetectorInput) -> None:
    stack = np.random.default_rng(0).integers(0, 256, (2, 8, 12, 3), dtype=np.uint8)
    found = normalize_on_device(stack, contract, "cpu")
    assert found.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(found.numpy(), contract.normalize(stack), atol=2e-6)
