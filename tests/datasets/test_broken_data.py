"""Data as it also comes: half downloaded, cut off, mixed. Each fault is named with its file, and the rest is read."""

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from duologue.datasets.checking import check
from duologue.datasets.layouts import open_data
from duologue.datasets.readers.plain import shifted
from duologue.datasets.readers.upright import UP, up_of
from duologue.datasets.scene import Problem, Reading
from duologue.datasets.synthesis.layouts.material import Material
from duologue.datasets.synthesis.layouts.writers import write
from duologue.errors import DuologueError
from duologue.motion.bvh import BvhClip, read_bvh, write_bvh
from duologue.motion.rotations import exp_to_matrix, matrix_to_exp
from duologue.motion.skeleton import Skeleton
from duologue.units import Sound
from examples_data import SKELETON, scene_of

SECONDS = 6.0


def made(layout: str, material: Material, root: Path) -> Path:
    write(layout, material, root, 2, SECONDS, lambda done, total: None)
    return root


def rewritten(path: Path, **changed: Any) -> None:
    with np.load(path) as file:
        arrays: dict[str, Any] = dict(file)
    np.savez(path, **arrays | changed)


def test_half_downloaded_interact(tmp_path, material):
    root = made("interact", material, tmp_path)
    gone = next((root / "wav").glob("*_001_*.wav"))
    gone.unlink()
    findings = check(root)
    assert [(p.file, p.reason) for p in findings.problems] == [(f"wav/{gone.name}", "speech-not-found")]
    assert findings.holds["sequences"] == 1


def test_faster_motion_among_the_others_is_noted(tmp_path, material):
    root = made("interact", material, tmp_path)
    path = sorted((root / "bvhs").glob("*.bvh"))[0]
    path.write_text(path.read_text().replace("Frame Time: 0.033333", "Frame Time: 0.016667"))
    partner = sorted((root / "bvhs").glob("*.bvh"))[1]
    partner.write_text(partner.read_text().replace("Frame Time: 0.033333", "Frame Time: 0.016667"))
    notes = check(root).notes
    assert {note.file for note in notes if note.reason == "frame-rate-other"} == {
        f"bvhs/{p.name}" for p in (path, partner)
    }


def test_hands_without_fingers_are_noted(tmp_path, material):
    root = made("beat", material, tmp_path)
    path = next(root.rglob("*.bvh"))
    clip = read_bvh(path)
    kept = [k for k, name in enumerate(clip.skeleton.names) if "Thumb" not in name]
    parents = tuple(-1 if clip.skeleton.parents[k] < 0 else kept.index(clip.skeleton.parents[k]) for k in kept)
    tree = Skeleton(tuple(clip.skeleton.names[k] for k in kept), parents, clip.skeleton.offsets[kept])
    write_bvh(path, BvhClip(tree, clip.rotations[:, kept], clip.root_translation, 30.0), scale=0.01)
    (note,) = check(root).notes
    assert (note.file, note.reason) == (path.relative_to(root).as_posix(), "fingers-missing")
    assert "Thumb" in note.message


def test_two_rates_of_sound_are_noted(tmp_path, material):
    root = made("interact", material, tmp_path)
    path = sorted((root / "wav").glob("*.wav"))[1]
    samples, _ = soundfile.read(path)
    soundfile.write(path, samples[: int(SECONDS * 44_100)], 44_100)
    assert {note.reason for note in check(root).notes} == {"sound-rates"}


def test_a_clock_that_is_off_is_measured_and_mended(tmp_path, material):
    write("plain", material, tmp_path, 1, 60.0, lambda done, total: None)
    scene = tmp_path / "scene_0000"
    assert not clocks(tmp_path), "theirs agree"
    samples, rate = soundfile.read(scene / "anna.wav")
    soundfile.write(scene / "anna.wav", samples[int(0.6 * rate) :], rate)
    (note,) = clocks(tmp_path)
    assert note.file == "scene_0000/anna.csv"
    offset = float(note.message.split("offset = ")[1].split(" ")[0])
    assert offset == pytest.approx(0.6, abs=0.27)
    table = scene / "scene.toml"
    table.write_text(table.read_text().replace('emotion = "joy"', f'emotion = "joy"\noffset = {offset}', 1))
    assert not clocks(tmp_path)


def clocks(root: Path) -> list[Problem]:
    return [note for note in check(root).notes if note.reason == "clock-offset"]


def test_somebody_who_only_listens_is_noted_and_two_are_a_fault(tmp_path, material):
    root = made("interact", material, tmp_path)
    a, b = sorted((root / "wav").glob("20231119*.wav"))
    soundfile.write(b, np.zeros(int(48_000 * SECONDS)), 48_000)
    findings = check(root)
    assert [(n.file, n.reason) for n in findings.notes] == [(f"wav/{b.name}", "sound-silent")]
    assert findings.holds["sequences"] == 2
    soundfile.write(a, np.zeros(int(48_000 * SECONDS)), 48_000)
    assert [p.reason for p in check(root).problems] == ["audio-silent"]


def test_a_sound_is_moved_by_its_offset():
    sound = Sound(np.arange(1, 11, dtype=np.float32) / 10, 10)
    assert len(shifted(sound, 0.5).samples) == 15
    assert shifted(sound, -0.2).samples[0] == pytest.approx(0.3)


def test_frames_that_are_no_numbers(tmp_path, material):
    root = made("beat2", material, tmp_path)
    path = next(root.rglob("*.npz"))
    with np.load(path) as file:
        poses = file["poses"]
    poses[7, 3] = np.nan
    rewritten(path, poses=poses)
    (problem,) = check(root).problems
    assert problem.file == path.relative_to(root).as_posix()
    assert "7" in problem.message


def test_people_along_another_axis_are_seen(tmp_path, material):
    """AMASS has Z up: a file with Y up is read as it stands."""
    root = made("amass", material, tmp_path / "amass")
    other = made("beat2", material, tmp_path / "beat2")
    path = sorted(root.rglob("*_stageii.npz"))[0]
    with np.load(next(other.rglob("*.npz"))) as file:
        rewritten(path, poses=file["poses"], trans=file["trans"])
    data = open_data(root)
    reading = Reading()
    scenes = {entry.files[0]: scene_of(data, k, reading) for k, entry in enumerate(data.entries)}
    assert [(n.file, n.reason) for n in reading.notes] == [(path.relative_to(root).as_posix(), "up-axis")]
    hips = scenes[path.relative_to(root).as_posix()].people[0].motion[0]
    assert hips[:, 1].mean() == pytest.approx(SKELETON.offsets[0, 1], abs=0.1), "they stand"


def seamless_archive(root: Path) -> tuple[Path, str]:
    folder = next(root.glob("*/*/*/*"))
    return folder, sorted(path.stem for path in folder.glob("*.npz"))[0]


def test_hands_as_principal_components(tmp_path, material):
    root = made("seamless", material, tmp_path)
    folder, stem = seamless_archive(root)
    rewritten(folder / f"{stem}.npz", **{"smplh:left_hand_pose": np.zeros((180, 12), np.float32)})
    (problem,) = check(root).problems
    assert (problem.file, problem.reason) == ((folder / f"{stem}.npz").relative_to(root).as_posix(), "hands-pca")


def test_somebody_without_a_partner(tmp_path, material):
    root = made("seamless", material, tmp_path)
    folder, stem = seamless_archive(root)
    for suffix in ("wav", "json", "npz"):
        (folder / f"{stem}.{suffix}").unlink()
    findings = check(root)
    assert [p.reason for p in findings.problems] == ["seamless-partner"]
    assert findings.holds["sequences"] == 1


def test_a_person_whose_files_are_not_all_there(tmp_path, material):
    root = made("seamless", material, tmp_path)
    folder, stem = seamless_archive(root)
    (folder / f"{stem}.json").unlink()
    (problem,) = check(root).problems
    assert problem.reason == "seamless-incomplete"
    assert ".json" in problem.message


def test_a_tar_that_is_cut_off_keeps_what_is_whole_of_it(tmp_path, material):
    root = made("seamless-tars", material, tmp_path)
    tar = next(root.rglob("*.tar"))
    with tarfile.open(tar) as file:
        last = file.getmembers()[-1]
    whole = tar.read_bytes()
    tar.write_bytes(whole[: last.offset_data + last.size // 2])
    findings = check(root)
    assert [(p.file, p.reason) for p in findings.problems] == [
        (tar.relative_to(root).as_posix(), "tar-cut"),
        (tar.relative_to(root).as_posix() + f":{last.name.rpartition('_P')[0]}_P0002.json", "seamless-incomplete"),
    ]
    assert findings.holds["sequences"] == 1


def test_a_pickle_is_not_opened(tmp_path, material):
    root = made("seamless", material, tmp_path)
    folder, stem = seamless_archive(root)
    (folder / f"{stem}.npz").write_bytes(b"\x80\x04" + b"x" * 30)
    (problem,) = check(root).problems
    assert problem.reason == "file-pickled"
    rewritten_object = io.BytesIO()
    pickled: dict[str, Any] = {"smplh:body_pose": np.array([{}], object)}
    np.savez(rewritten_object, **pickled)
    (folder / f"{stem}.npz").write_bytes(rewritten_object.getvalue())
    assert {p.reason for p in check(root).problems} == {"array-missing"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("people = []", "scene-people"),
        ('[[people]]\nmotion = "../../secret.bvh"', "path-not-allowed"),
        ('relationship = "foes"\n[[people]]\nmotion = "anna.bvh"', "unknown-label"),
        ('[[people]]\nspeech = "anna.wav"', "scene-people"),
        ('[[people]]\nmotion = "anna.bvh"\nemotions = "joy"', "unknown-key"),
        ("people = [", "document-malformed"),
    ],
)
def test_a_scene_that_is_not_described_as_it_should_be(tmp_path, material, text, reason):
    root = made("plain", material, tmp_path)
    (root / "scene_0000" / "scene.toml").write_text(text)
    findings = check(root)
    assert [(p.file, p.reason) for p in findings.problems] == [("scene_0000/scene.toml", reason)]
    assert findings.holds["sequences"] == 1


def test_a_folder_that_is_another_one_than_was_said(tmp_path, material):
    root = made("plain", material, tmp_path)
    with pytest.raises(DuologueError) as caught:
        open_data(root, "interact")
    assert caught.value.reason == "layout-other"


def turned_up(path: Path, *, rest: bool) -> None:
    """Have a BVH file's world stand along Z, as other programs do; ``rest``: its rest pose, too."""
    clip = read_bvh(path)
    turn = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    root = clip.root_translation @ turn.T
    if rest:
        tree = clip.skeleton
        ends = tuple((joint, tuple(turn @ np.array(offset))) for joint, offset in tree.ends)
        tree = Skeleton(tree.names, tree.parents, tree.offsets @ turn.T, ends)
        clip = BvhClip(tree, clip.rotations @ turn.T, root, 30.0)
    else:
        rotations = clip.rotations.copy()
        rotations[:, 0] = matrix_to_exp(turn @ exp_to_matrix(rotations[:, 0]))
        clip = BvhClip(clip.skeleton, rotations, root, 30.0)
    write_bvh(path, clip, scale=0.01)


@pytest.mark.parametrize("rest", [True, False])
def test_motion_with_another_axis_up_is_turned_and_noted(tmp_path, material, rest):
    before = made("interact", material, tmp_path / "before")
    root = made("interact", material, tmp_path / "after")
    for path in (root / "bvhs").glob("20231119*.bvh"):
        turned_up(path, rest=rest)
    notes = check(root).notes
    assert {note.file for note in notes if note.reason == "up-axis"} == {
        f"bvhs/{path.name}" for path in (root / "bvhs").glob("20231119*.bvh")
    }
    for a, b in zip(scene_of(open_data(before)).people, scene_of(open_data(root)).people, strict=True):
        np.testing.assert_allclose(a.motion[0], b.motion[0], atol=2e-3)
        turns = exp_to_matrix(a.motion[1]).swapaxes(-1, -2) @ exp_to_matrix(b.motion[1])
        assert np.trace(turns, axis1=-2, axis2=-1).min() > 2.999, "within two degrees"


def test_who_lies_down_is_left_lying():
    """Trunk along X, but the feet are a leg's length off 0 of it: no other axis is up."""
    rotations, root = np.zeros((60, 60, 3)), np.tile([0.0, 0.15, 0.0], (60, 1))
    rotations[:, 0, 2] = -np.pi / 2
    joints = {name: name for name in SKELETON.names}
    assert up_of(BvhClip(SKELETON, rotations, root, 30.0), joints) == UP
    root[:, 0] = SKELETON.offsets[0, 1]
    assert up_of(BvhClip(SKELETON, rotations, root, 30.0), joints) == (0, 1)


def taller(path: Path, factor: float) -> None:
    clip = read_bvh(path)
    tree = Skeleton(clip.skeleton.names, clip.skeleton.parents, clip.skeleton.offsets * factor, clip.skeleton.ends)
    write_bvh(path, BvhClip(tree, clip.rotations, clip.root_translation * factor, 30.0), scale=0.01)


def test_two_actors_swapped_show_in_their_bones(tmp_path, material):
    write("interact", material, tmp_path, 9, 3.0, lambda done, total: None)  # three of each of the three pairs
    for path in (tmp_path / "bvhs").glob("*_002_*.bvh"):
        taller(path, 0.93)
    assert not check(tmp_path).notes
    a, b = tmp_path / "bvhs" / "20231119_001_004.bvh", tmp_path / "bvhs" / "20231119_002_004.bvh"
    his = a.read_bytes()
    a.write_bytes(b.read_bytes())
    b.write_bytes(his)
    found = {note.file: note.message for note in check(tmp_path).notes if note.reason == "actor-bones"}
    assert found.keys() == {f"bvhs/{a.name}", f"bvhs/{b.name}"}
    assert "002" in found[f"bvhs/{a.name}"]


def test_an_actor_of_another_day_is_named_by_the_file(tmp_path, material):
    root = made("interact", material, tmp_path)
    for folder in ("bvhs", "wav", "face_arkit", "face_ict"):
        for path in (root / folder).glob("20231119_001_001.*"):
            path.rename(path.with_name(path.name.replace("_001_001", "_003_001")))
    (problem,) = check(root).problems
    assert (problem.file, problem.reason) == ("bvhs/20231119_003_001.bvh", "interact-actors")


def test_numbers_that_are_none_in_a_motion(tmp_path, material):
    root = made("interact", material, tmp_path)
    path = sorted((root / "bvhs").glob("*.bvh"))[0]
    *lines, last = path.read_text().splitlines()
    path.write_text("\n".join([*lines, " ".join(["nan", *last.split()[1:]])]) + "\n")
    (problem,) = check(root).problems
    assert (problem.file, problem.reason) == (f"bvhs/{path.name}", "bvh-values")


@pytest.mark.parametrize("layout", ["beat2", "amass"])
def test_hands_as_principal_components_of_one_person(tmp_path, material, layout):
    root = made(layout, material, tmp_path)
    path = sorted(root.rglob("*.npz"))[0]
    with np.load(path) as file:
        poses = file["poses"]
    rewritten(path, poses=poses[:, : 66 + 2 * 6])
    (problem,) = check(root).problems
    assert (problem.file, problem.reason) == (path.relative_to(root).as_posix(), "hands-pca")


@pytest.mark.parametrize(
    ("layout", "pattern", "reason"),
    [
        ("interact", "bvhs/*.bvh", "bvh-truncated"),
        ("interact", "wav/*.wav", "audio-truncated"),
        ("interact", "face_arkit/*.npy", "file-unreadable"),
        ("seamless", "**/*.npz", "file-unreadable"),
        ("seamless", "**/*.json", "document-malformed"),
        ("beat2", "**/*.npz", "smpl-file"),
    ],
)
def test_files_that_were_cut_off(tmp_path, material, layout, pattern, reason):
    root = made(layout, material, tmp_path)
    path = sorted(root.glob(pattern))[0]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (problem,) = check(root).problems
    assert (problem.file, problem.reason) == (path.relative_to(root).as_posix(), reason)


@pytest.mark.parametrize(
    ("layout", "pattern"),
    [("interact", "bvhs/*"), ("interact", "wav/*"), ("interact", "face_ict/*"), ("beat2", "**/*.npz")],
)
def test_what_git_lfs_left_of_a_file(tmp_path, material, layout, pattern):
    root = made(layout, material, tmp_path)
    path = sorted(root.glob(pattern))[0]
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    (problem,) = check(root).problems
    assert (problem.file, problem.reason) == (path.relative_to(root).as_posix(), "file-pointer")


@pytest.mark.parametrize("layout", ["amass", "seamless"])
def test_a_model_of_another_type_is_named_before_work_starts(tmp_path, material, layout):
    root = made(layout, material, tmp_path / "data")
    flame = tmp_path / "FLAME_NEUTRAL.npz"  # the keys that FLAME has of SMPL's
    np.savez(flame, v_template=np.zeros((5023, 3)), shapedirs=np.zeros((5023, 3, 400)), f=np.zeros((9976, 3), int))
    for path, reason in ((flame, "smpl-model"), (tmp_path / "SMPLX_NEUTRAL.pkl", "smpl-pickle")):
        path.touch()
        with pytest.raises(DuologueError) as caught:
            check(root, model=path)
        assert caught.value.reason == reason
        assert path.name in str(caught.value)
