import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from duologue.body.checkpoint import BodyModel
from duologue.body.distillation import BodyDistillation, BodyDistiller, distil_body
from duologue.body.pipeline import BodyPipeline
from duologue.body.student import StudentConfig
from duologue.checkpoints.store import write_checkpoint
from duologue.datasets.corpus.body import Corpus
from duologue.errors import DuologueError
from duologue.training.loop import LOG, Optimisation
from examples_body import SKELETON, perform, some_conditions, tiny_model, write_corpus

RATE = Optimisation(6, 1e-3, 2, warm_up=2, average=0.9, save_every=3)
SHORT = BodyDistillation(optimisation=RATE, pool=2, window=20, half=False)


@pytest.fixture
def corpus(tmp_path):
    return write_corpus(tmp_path / "corpus")


@pytest.fixture
def teacher(tmp_path):
    model = tiny_model()
    model.strengths = {"speech": 3.0}
    return model.save(tmp_path / "teacher", "body", {})


def test_a_student_learns_to_be_where_its_teacher_is(tmp_path, corpus, teacher):
    rate = replace(RATE, steps=30, learning_rate=1e-3, batch=4, save_every=30)
    settings = replace(SHORT, optimisation=rate, pool=4, networks=("upper",))
    model = BodyModel.load(teacher, SKELETON)
    distiller = BodyDistiller(Corpus.open(corpus), model, settings)
    before = distiller.measure(distiller.module.eval())
    distil_body(corpus, teacher, tmp_path / "out", settings)
    judged = [json.loads(line) for line in (tmp_path / "out" / LOG).read_text().splitlines()][-1]["judged"]
    assert judged["upper unexplained"] < 0.7 * before["upper unexplained"]
    assert judged["upper pose"] < before["upper pose"]


def test_what_is_asked_of_a_step_leads_to_where_the_teacher_is_next(corpus, teacher):
    distiller = BodyDistiller(Corpus.open(corpus), BodyModel.load(teacher, SKELETON), SHORT)
    batch = distiller.batch(np.random.default_rng(0), 0)["lower"]
    (_, wanted), *_, (_, last) = distiller._walk(distiller.module, "lower", batch)
    moments = distiller.schedule.times(SHORT.steps)
    ddim = SHORT_STUDENT.sampler("x0").iterate(lambda x, t: wanted, batch.states[0], SHORT.steps)
    torch.testing.assert_close(next(ddim), batch.states[1], atol=1e-5, rtol=1e-4)
    assert moments[-1] == 0
    torch.testing.assert_close(last, batch.states[-1])


SHORT_STUDENT = StudentConfig(SHORT.steps, SHORT.shift)


def test_a_run_that_stops_and_resumes_makes_the_same_student_bit_for_bit(tmp_path, corpus, teacher):
    whole = distil_body(corpus, teacher, tmp_path / "whole", SHORT)
    calls = []
    distil_body(corpus, teacher, tmp_path / "parts", SHORT, should_stop=lambda: calls.append(None) or len(calls) > 2)
    assert distil_body(corpus, teacher, tmp_path / "parts", SHORT).sha256 == whole.sha256
    with pytest.raises(DuologueError, match="pool was 2 and is 3"):
        distil_body(corpus, teacher, tmp_path / "parts", replace(SHORT, pool=3))


def test_the_teacher_stays_beside_its_student_to_the_bit(tmp_path, corpus, teacher):
    taught = distil_body(corpus, teacher, tmp_path / "out", SHORT).tensors()
    assert all(torch.equal(taught[name], value) for name, value in teacher.tensors().items())
    assert {name.split(".")[1] for name in taught.keys() - teacher.tensors().keys()} == {
        "lower", "upper", "lower_conditions", "upper_conditions",
    }  # fmt: skip


def test_one_network_is_taught_and_the_other_kept(tmp_path, corpus, teacher):
    legs = distil_body(corpus, teacher, tmp_path / "legs", replace(SHORT, networks=("lower",)))
    assert BodyModel.load(legs, SKELETON).student.networks == ("lower",)
    both = distil_body(corpus, legs, tmp_path / "both", replace(SHORT, networks=("upper",)))
    model = BodyModel.load(both, SKELETON)
    assert model.student.networks == ("lower", "upper")
    assert model.student.training_notes.keys() == {"lower", "upper"}
    before, after = legs.tensors(), both.tensors()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def with_gains(checkpoint, folder, gains):
    """The same with a student that leans out."""
    student = checkpoint.config["student"]
    config = {**checkpoint.config, "student": {**student, "settings": {**student["settings"], "gains": gains}}}
    return write_checkpoint(folder, "body", config, checkpoint.tensors())


@pytest.fixture
def legs(tmp_path, corpus, teacher):
    """A body whose student has legs alone."""
    settings = replace(SHORT, networks=("lower",), optimisation=replace(RATE, steps=1))
    return distil_body(corpus, teacher, tmp_path / "legs", settings)


def test_a_network_that_is_kept_leans_out_as_it_did(tmp_path, corpus, teacher, legs):
    leaning = with_gains(legs, tmp_path / "leaning", {"legs": 1.1, "root's steps": 1.02, "fingers": 1.3})
    for start, body in (("", leaning), (str(tmp_path / "leaning"), teacher)):
        model = BodyModel.load(body, SKELETON)
        distiller = BodyDistiller(Corpus.open(corpus), model, replace(SHORT, networks=("upper",), start=start))
        assert distiller.module.config.gains == {"legs": 1.1, "root's steps": 1.02}, "fingers are taught anew"
        assert not any(parameter.requires_grad for parameter in distiller.module.lower.parameters())
        assert all(parameter.requires_grad for parameter in distiller.module.upper.parameters())


@pytest.mark.parametrize(
    ("changes", "named"), [({"steps": 2}, "steps 4 and not 2"), ({"shift": 1.0}, "shift 2.0 and not 1.0")]
)
def test_a_network_that_is_kept_is_not_asked_for_other_steps_than_it_learned(
    tmp_path, corpus, teacher, legs, changes, named
):
    settings = replace(SHORT, networks=("upper",), **changes)
    for body, start in ((legs, ""), (teacher, str(tmp_path / "legs" / "checkpoint"))):
        with pytest.raises(DuologueError, match=named) as caught:
            distil_body(corpus, body, tmp_path / "out", replace(settings, start=start))
        assert caught.value.reason == "student-differs"
        assert not (tmp_path / "out").exists()
    guided = write_checkpoint(
        tmp_path / "guided", "body", {**legs.config, "strengths": {"speech": 2.0}}, legs.tensors()
    )
    with pytest.raises(DuologueError, match="strengths"):
        distil_body(corpus, guided, tmp_path / "out", replace(SHORT, networks=("upper",)))


def test_a_student_to_begin_with_must_be_there_and_as_large(tmp_path, corpus, teacher, legs):
    with pytest.raises(DuologueError, match="no student to go on with") as caught:
        distil_body(corpus, teacher, tmp_path / "out", replace(SHORT, start=str(teacher.folder)))
    assert caught.value.reason == "checkpoint-foreign"
    tiny = tiny_model()
    narrow = BodyModel(replace(tiny.config, width=tiny.config.width // 2), tiny.statistics, tiny.mel, {"speech": 3.0})
    with pytest.raises(DuologueError, match="another shape"):
        distil_body(
            corpus,
            narrow.save(tmp_path / "narrow", "body", {}),
            tmp_path / "out",
            replace(SHORT, start=str(legs.folder)),
        )


def test_a_network_that_the_teacher_lacks_is_named_before_work_starts(tmp_path, corpus):
    tiny = tiny_model()
    flat = BodyModel(replace(tiny.config, hierarchical=False), tiny.statistics, tiny.mel)
    with pytest.raises(DuologueError, match="no upper network") as caught:
        distil_body(corpus, flat.save(tmp_path / "flat", "flat", {}), tmp_path / "out", SHORT)
    assert caught.value.reason == "unknown-label"
    assert not (tmp_path / "out").exists()


def calls_of(pipeline, monkeypatch, **options):
    """How many windows each call of the networks had, copies for guidance included."""
    widths = []
    forward = type(pipeline.model.lower).forward

    def spy(self, x, *rest):
        widths.append(len(x))
        return forward(self, x, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(type(pipeline.model.lower), "forward", spy)
        made = perform(pipeline, some_conditions(20), **options)[1]
    return widths, made


def test_the_student_performs_in_four_calls_and_the_full_sampler_stays(tmp_path, corpus, teacher, monkeypatch):
    pipeline = BodyPipeline.load(distil_body(corpus, teacher, tmp_path / "out", SHORT))
    few, made = calls_of(pipeline, monkeypatch, steps=0)
    assert few == [1] * 8, "four a network, one window wide"
    assert calls_of(pipeline, monkeypatch, steps=4)[0] == few
    many, full = calls_of(pipeline, monkeypatch, steps=5)
    assert many == [2] * 10, "the teacher's, with and without speech"
    assert np.array_equal(full, perform(BodyPipeline.load(teacher), some_conditions(20), steps=5)[1])
    assert not np.array_equal(made, full)
    assert calls_of(BodyPipeline.load(teacher), monkeypatch, steps=0)[0] == [2] * 20, "ten where there is no student"


def test_other_strengths_than_the_student_was_taught_under_are_the_teachers(tmp_path, corpus, teacher, monkeypatch):
    pipeline = BodyPipeline.load(distil_body(corpus, teacher, tmp_path / "out", SHORT))
    assert calls_of(pipeline, monkeypatch, steps=4, strengths={"speech": 3.0, "text": 1.0})[0] == [1] * 8
    assert calls_of(pipeline, monkeypatch, steps=4, strengths={"speech": 1.5})[0] == [2] * 8
    assert calls_of(pipeline, monkeypatch, steps=0, strengths={"text": 1.5})[0] == [3] * 20


def test_what_is_given_is_kept_by_the_student_too(corpus, teacher):
    distiller = BodyDistiller(Corpus.open(corpus), BodyModel.load(teacher, SKELETON), SHORT)
    for name, taught in distiller.batch(np.random.default_rng(1), 0).items():
        held = getattr(distiller.teacher, name).spread(taught.task.flags)
        assert held.any()
        assert torch.equal(taught.states[-1][held], taught.task.given[held])


@pytest.mark.parametrize(
    ("networks", "settings", "named"),
    [(["middle"], {}, "middle"), (["forward"], {}, "forward"), ([], {"steps": 0}, "0 steps")],
)
def test_a_student_that_cannot_be_is_foreign(corpus, teacher, networks, settings, named):
    config = {**teacher.config, "student": {"networks": networks, "settings": settings}}
    with pytest.raises(DuologueError, match=named) as caught:
        BodyModel.load(replace(teacher, config=config), SKELETON)
    assert caught.value.reason == "checkpoint-foreign"
