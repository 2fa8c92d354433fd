import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from duologue.body.config import BodyConfig
from duologue.body.pipeline import BodyPipeline
from duologue.body.training import BodyTrainer, train_body
from duologue.body.training_data import draw_held
from duologue.body.training_settings import BodyTraining
from duologue.datasets.corpus.body import Corpus
from duologue.datasets.corpus.drawing import WindowDrawer
from duologue.errors import DuologueError
from duologue.training.loop import LOG, Optimisation
from examples_body import perform, some_conditions, write_corpus

TINY = BodyConfig.named("tiny")
RATE = Optimisation(6, 1e-3, 2, warm_up=2, average=0.999, save_every=3)
SHORT = BodyTraining(TINY, RATE, window=20, half=False)


def test_a_run_that_stops_and_resumes_makes_the_same_networks_bit_for_bit(tmp_path):
    corpus = write_corpus(tmp_path / "corpus")
    whole = train_body(corpus, tmp_path / "whole", SHORT)
    calls = []
    train_body(corpus, tmp_path / "parts", SHORT, should_stop=lambda: calls.append(None) or len(calls) > 2)
    resumed = train_body(corpus, tmp_path / "parts", SHORT)
    assert resumed.sha256 == whole.sha256
    other = train_body(corpus, tmp_path / "other", replace(SHORT, optimisation=replace(RATE, seed=1)))
    assert other.sha256 != whole.sha256


def test_training_learns_logs_and_leaves_a_checkpoint_that_performs(tmp_path):
    corpus = write_corpus(tmp_path / "corpus", pairs=8)
    rate = Optimisation(40, 1e-2, 8, warm_up=2, average=0.9, save_every=20)
    settings = replace(SHORT, optimisation=rate, past=0.0, pinned=0.0, alone=0.0)
    trainer = BodyTrainer(Corpus.open(corpus), settings)
    before = trainer.measure(trainer.module.eval())
    train_body(corpus, tmp_path / "out", settings)
    lines = [json.loads(line) for line in (tmp_path / "out" / LOG).read_text().splitlines()]
    assert [line["step"] for line in lines] == [20, 20, 40, 40]
    after = lines[-1]["judged"]
    legs = [sum(value for name, value in terms.items() if name.startswith("lower")) for terms in (before, after)]
    assert legs[1] < legs[0]
    assert lines[-1]["judged"]["upper pose"] < 0.5 * before["upper pose"]
    assert BodyPipeline.load(tmp_path / "out" / "checkpoint").model.config == TINY


@pytest.mark.parametrize("changes", [{"hierarchical": False}, {"hierarchical": False, "paired": False}])
def test_the_baselines_train_and_perform_with_the_same_code(tmp_path, changes):
    corpus = write_corpus(tmp_path / "corpus")
    config = replace(TINY, **changes)
    train_body(corpus, tmp_path / "out", replace(SHORT, network=config))
    pipeline = BodyPipeline.load(tmp_path / "out" / "checkpoint")
    assert pipeline.model.upper is None
    root, rotations = perform(pipeline, some_conditions(40))
    assert np.isfinite(root).all()
    assert np.isfinite(rotations).all()


def test_what_a_batch_is_given_covers_everything_a_director_may_hold():
    held = draw_held(400, 60, 12, np.random.default_rng(0), past=0.5, pinned=0.3, alone=0.2)
    steps, poses = held[..., 0], held[..., 1]
    assert (poses & ~steps).any(), "single poses leave the root's steps open"
    assert not (steps & ~poses).any()
    assert held.all((2, 3)).any(-1).mean() == pytest.approx(0.2, abs=0.06), "one of the two altogether"
    assert not held.all((1, 2, 3)).any(), "something is always left to make"
    assert held[:, :, 0].all((1, 2)).mean() == pytest.approx(0.5, abs=0.1), "a past is both people's"


def test_going_on_with_other_settings_is_refused(tmp_path):
    corpus = write_corpus(tmp_path / "corpus")
    train_body(corpus, tmp_path / "out", replace(SHORT, optimisation=replace(RATE, steps=1)))
    with pytest.raises(DuologueError, match=r"optimisation\.steps was 1 and is 6") as error:
        train_body(corpus, tmp_path / "out", SHORT)
    assert error.value.reason == "training-differs"


def test_a_missing_corpus_is_named(tmp_path):
    with pytest.raises(DuologueError, match="no corpus"):
        train_body(tmp_path / "nowhere", tmp_path / "out")


def test_a_corpus_in_which_nobody_moves_is_named(tmp_path):
    write_corpus(tmp_path / "corpus")
    path = tmp_path / "corpus" / "features.npy"
    np.save(path, np.zeros_like(np.load(path)))
    with pytest.raises(DuologueError, match="never move") as caught:
        train_body(tmp_path / "corpus", tmp_path / "out", SHORT)
    assert caught.value.reason == "corpus-still"


def test_windows_lie_inside_one_pair_and_reach_every_start(tmp_path):
    corpus = Corpus.open(write_corpus(tmp_path, pairs=2, frames=25))
    drawn = corpus.windows(20, 400, np.random.default_rng(0))
    assert {first - corpus.starts[pair] for pair, first in drawn} == set(range(6))
    assert {pair for pair, _ in drawn} == {0, 1}
    with pytest.raises(DuologueError, match="longer clips"):
        corpus.windows(26, 1, np.random.default_rng(0))


def test_one_network_learns_and_the_other_stays_as_a_checkpoint_left_it(tmp_path):
    corpus = write_corpus(tmp_path / "corpus")
    before = train_body(corpus, tmp_path / "first", SHORT)
    settings = replace(SHORT, start=str(before.folder), networks=("lower",))
    after = train_body(corpus, tmp_path / "second", settings).tensors()
    kept, learned = ({n: v for n, v in before.tensors().items() if n.startswith(part)} for part in ("upper", "lower"))
    assert all(torch.equal(after[name], value) for name, value in kept.items())
    assert not all(torch.equal(after[name], value) for name, value in learned.items())


def test_windows_are_laid_across_changes_of_action_and_where_somebody_walks(tmp_path):
    corpus = Corpus.open(write_corpus(tmp_path, pairs=2, frames=400))
    actions = np.zeros((800, 2), np.uint8)
    actions[300:340, 1] = (
        1  # of the first pair; the second has another action from its first frame on, which is no change
    )
    actions[400:, 0] = 2
    corpus = replace(corpus, arrays={**corpus.arrays, "action": actions})
    rng = np.random.default_rng(0)

    def seen(**shares):
        drawer = WindowDrawer(corpus, 20, slice(None), walk=1, **shares)
        return [set(actions[first : first + 20, 1].tolist()) for _, first in drawer.draw(200, rng)]

    assert all(kinds == {0, 1} for kinds in seen(changing=1.0, moving=0.0))
    assert all(1 in kinds for kinds in seen(changing=0.0, moving=1.0))
    assert np.mean([1 in kinds for kinds in seen(changing=0.0, moving=0.0)]) < 0.2


def test_swapping_performers_is_part_of_training(tmp_path):
    trainer = BodyTrainer(Corpus.open(write_corpus(tmp_path)), SHORT)
    windows = [(0, 0)] * 12
    features, c, _ = trainer.batches.windows(windows, np.random.default_rng(0))
    styles = {tuple(row) for row in c.style.tolist()}
    assert styles == {(0, 1), (1, 0)}
    first, second = (next(i for i, row in enumerate(c.style.tolist()) if row == list(s)) for s in ((0, 1), (1, 0)))
    torch.testing.assert_close(features[first], features[second].flip(0))
    torch.testing.assert_close(c.placement[first], c.placement[second].flip(0))
