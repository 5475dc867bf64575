"""Training learns, repeats itself to the bit, survives being killed, and counts exactly in two processes."""

import csv
import logging
import signal
import time
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from programs import start
from terramamba.change.objective import ChangeDetection
from terramamba.change.settings import ChangeConfig
from terramamba.core.devices import resolve_device
from terramamba.core.errors import InputError
from terramamba.core.run_files import CHECKPOINT
from terramamba.landcover.objective import Classification
from terramamba.models.model import Model
from terramamba.models.registry import create_model
from terramamba.scores.metrics import change_f1, change_iou, class_counts, overall_accuracy
from terramamba.scores.thresholds import best_threshold, confusion_at
from terramamba.training.batches import Shard, epoch_order
from terramamba.training.fit import fit
from terramamba.training.loop import Learner, seed_everything
from terramamba.training.predict import evaluate_change, evaluate_classes
from toys import CONFIG, PairNet, Pairs, Patches, PatchNet, make, train_patches

BANDS = {"in_channels": 4, "num_classes": 3}
CHANGE = ChangeConfig(epochs=8, batch_size=4, lr=2e-2, loss="bce_dice", schedule="poly", seed=5)


def history(folder):
    """Rows of the history without the time they took."""
    with (folder / "history.csv").open() as file:
        return [
            {name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)
        ]


def checkpoint(folder):
    return torch.load(folder / CHECKPOINT, weights_only=True)


def assert_same(one, other):
    """Equal to the bit, through dicts and lists, but for the time that epochs took."""
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            if key != "seconds":
                assert_same(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    else:
        assert one == other


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """A run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("unbroken")
    model, result = train_patches(folder)
    return folder, model, result


def test_classes_are_learnt_and_the_best_epoch_is_kept(unbroken):
    folder, model, result = unbroken
    rows = history(folder)
    accuracies = [float(row["oa"]) for row in rows]
    assert list(rows[0]) == ["epoch", "train_loss", "val_loss", "oa", "aa", "kappa", "lr"]
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert max(accuracies) >= 0.9
    assert result.best_epoch == 1 + accuracies.index(max(accuracies))  # the earlier of equals
    assert (result.best_score, result.epochs_run) == (max(accuracies), 6)
    assert result.stopped == "all 6 epochs were run"
    confusion = evaluate_classes(model, Patches(50, 2))
    assert overall_accuracy(class_counts(confusion)) == result.best_score


def test_same_seed_same_bits_other_seed_other_bits(unbroken, tmp_path):
    train_patches(tmp_path / "again")
    assert_same(checkpoint(unbroken[0]), checkpoint(tmp_path / "again"))
    assert history(unbroken[0]) == history(tmp_path / "again")
    train_patches(tmp_path / "other", config=replace(CONFIG, seed=4))
    weights = [checkpoint(folder)["weights"]["body.0.weight"] for folder in (unbroken[0], tmp_path / "other")]
    assert not torch.equal(*weights)


def test_nothing_is_said_and_nothing_else_is_written(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    capfd.readouterr()
    said = []
    train_patches(tmp_path / "run", on_progress=lambda amount, remark="": said.append((amount, remark)))
    assert capfd.readouterr() == ("", "")
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert files == ["run/checkpoints/last.ckpt", "run/history.csv"]
    assert sum(amount for amount, _ in said) == CONFIG.epochs
    for part in ("samples/s, loss ", ", OA ", " % after epoch 6, best in epoch "):
        assert part in said[-1][1]


def wait_for_epochs(folder, process, epochs):
    """Wait until ``epochs`` epochs are in the history; the process must still be at work."""
    end = time.monotonic() + 200
    while not (folder / "history.csv").exists() or len(history(folder)) < epochs:
        assert process.poll() is None, "the run ended by itself"
        assert time.monotonic() < end, "the run does not get on"
        time.sleep(0.01)


def start_slow_run(folder, readers):
    return start(Path(__file__).parents[1] / "toys.py", folder, "0.1", str(readers))


def test_killed_and_resumed_with_other_readers_is_the_unbroken_run_to_the_bit(unbroken, tmp_path):
    with start_slow_run(tmp_path, readers=1) as process:
        wait_for_epochs(tmp_path, process, 2)
        process.kill()
        # Readers hold the standard error that they inherited until they end, which they do by themselves.
        assert process.communicate(timeout=20)[1] == ""
    assert process.returncode == -signal.SIGKILL
    assert len(history(tmp_path)) == 2
    said = []
    model, result = train_patches(
        tmp_path, resume=True, on_progress=lambda amount, remark="": said.append(amount)
    )
    assert sum(said) == CONFIG.epochs - 2
    assert_same(checkpoint(unbroken[0]), checkpoint(tmp_path))
    assert history(unbroken[0]) == history(tmp_path)
    assert result == unbroken[2]
    assert_same(dict(unbroken[1].state_dict()), dict(model.state_dict()))


@pytest.mark.parametrize("readers", [0, 1])
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_an_interruption_leaves_the_checkpoint_of_the_last_epoch(tmp_path, number, status, readers):
    with start_slow_run(tmp_path, readers) as process:
        wait_for_epochs(tmp_path, process, 2)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (status, "")
    assert len(checkpoint(tmp_path)["history"]) == len(history(tmp_path)) == 2


def test_a_finished_run_is_left_as_it_is(unbroken, caplog):
    folder, model, result = unbroken
    (folder / "history.csv").unlink()
    before = (folder / CHECKPOINT).read_bytes()
    calls = []
    with caplog.at_level(logging.INFO, logger="terramamba"):
        other, again = train_patches(folder, resume=True, on_progress=lambda *said: calls.append(said))
    assert again == result
    assert not calls
    assert "already finished: all 6 epochs were run" in caplog.text
    assert_same(dict(model.state_dict()), dict(other.state_dict()))
    assert len(history(folder)) == 6
    assert_same(checkpoint(folder), torch.load(_written(folder, before), weights_only=True))


def _written(folder, content):
    path = folder / "before.ckpt"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 0.5}, "the run has lr 0.01, not 0.5"),
        ({"epochs": 9}, "the run has epochs 6, not 9"),
        ({"class_weights": True}, "class_weights False, not True"),
        ({"precision": "bf16"}, "the run has precision '32', not 'bf16'"),
    ],
)
def test_another_configuration_is_not_resumed(unbroken, change, message):
    with pytest.raises(InputError, match=message):
        train_patches(unbroken[0], config=replace(CONFIG, **change), resume=True)


def test_a_checkpoint_from_before_a_setting_is_one_with_its_default(unbroken, tmp_path):
    saved = checkpoint(unbroken[0])
    del saved["same"]["precision"]
    (tmp_path / CHECKPOINT).parent.mkdir()
    torch.save(saved, tmp_path / CHECKPOINT)
    with pytest.raises(InputError, match="the run has precision '32', not 'bf16'"):
        train_patches(tmp_path, config=replace(CONFIG, precision="bf16"), resume=True)
    assert train_patches(tmp_path, resume=True)[1].epochs_run == CONFIG.epochs


def test_other_data_or_another_model_is_not_resumed(unbroken):
    with pytest.raises(InputError, match="training samples 100, not 90"):
        fit(make(), Classification, Patches(90, 1), Patches(50, 2), CONFIG, unbroken[0], resume=True)
    with pytest.raises(InputError, match="model 'PatchNet', not 'PairNet'"):
        fit(make(PairNet), Classification, Patches(100, 1), Patches(50, 2), CONFIG, unbroken[0], resume=True)


def test_weights_of_an_earlier_version_of_a_model_are_not_trained_on(unbroken, tmp_path):
    saved = checkpoint(unbroken[0])
    saved["weights"] = {f"before.{name}": value for name, value in saved["weights"].items()}
    (tmp_path / CHECKPOINT).parent.mkdir()
    torch.save(saved, tmp_path / CHECKPOINT)
    with pytest.raises(InputError, match=r"its weights are of an earlier version of .*--overwrite"):
        train_patches(tmp_path, resume=True)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None])
def test_a_damaged_checkpoint_is_named(unbroken, tmp_path, content):
    path = tmp_path / CHECKPOINT
    path.parent.mkdir()
    path.write_bytes((unbroken[0] / CHECKPOINT).read_bytes()[:3000] if content is None else content)
    with pytest.raises(InputError, match=r"last\.ckpt is damaged"):
        train_patches(tmp_path, resume=True)


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9, 1.0])
def test_one_changed_byte_of_a_checkpoint_is_found(unbroken, tmp_path, place):
    content = bytearray((unbroken[0] / CHECKPOINT).read_bytes())
    content[int(place * (len(content) - 1))] ^= 1
    (tmp_path / CHECKPOINT).parent.mkdir()
    (tmp_path / CHECKPOINT).write_bytes(content)
    with pytest.raises(InputError, match=r"last\.ckpt is damaged .*; start again with --overwrite"):
        train_patches(tmp_path, resume=True)


def test_other_contents_are_not_resumed_and_unknown_ones_are(unbroken, tmp_path):
    train_patches(tmp_path, contents={"labels": "abc", "pixels": "def"})
    with pytest.raises(InputError, match="the labels are not those that training began with; put those back"):
        train_patches(tmp_path, contents={"labels": "abd", "pixels": "def"}, resume=True)
    for known in ({"labels": "abc", "pixels": "def"}, {"masks": "of another version"}):
        assert train_patches(tmp_path, contents=known, resume=True)[1] == unbroken[2]


def test_a_run_that_ended_before_its_first_checkpoint_is_resumed_from_the_start(unbroken, tmp_path):
    _, result = train_patches(tmp_path, resume=True)
    assert_same(checkpoint(unbroken[0]), checkpoint(tmp_path))
    assert result == unbroken[2]


def test_training_stops_when_nothing_gets_better(tmp_path):
    config = replace(CONFIG, lr=1e-30, epochs=20, patience=3)
    _, result = train_patches(tmp_path, config=config)
    assert (result.best_epoch, result.epochs_run) == (1, 4)
    assert result.stopped == "no better validation score for 3 epochs"
    assert len(history(tmp_path)) == 4


def test_a_loss_that_is_no_number_ends_training_with_its_place(tmp_path):
    with pytest.raises(InputError, match=r"loss is nan in epoch 3 at learning rate 0\.00\d+: lower --lr"):
        fit(make(), Classification, Patches(100, 1, nan_from=2), Patches(50, 2), CONFIG, tmp_path)
    assert len(checkpoint(tmp_path)["history"]) == 2


class Rooted(PatchNet):
    """Its loss is a number, and its gradients are none: a root is infinitely steep at 0."""

    def token_logits(self, x):
        y = super().token_logits(x)
        return y + 0 * (y - y).sum().sqrt()


def test_weights_that_are_no_numbers_after_the_last_step_end_training(tmp_path):
    config = replace(CONFIG, epochs=1, warmup_epochs=0, batch_size=16)
    with pytest.raises(InputError, match="the training loss gave weights that are no numbers in epoch 1"):
        fit(make(Rooted), Classification, Patches(16, 1), Patches(16, 2), config, tmp_path)


def test_tokens_are_learnt_in_the_same_run_of_the_network(tmp_path):
    config = replace(CONFIG, token_loss=0.5, epochs=1, warmup_epochs=0)
    model = make()
    fit(model, Classification, Patches(64, 1, tokens=True), Patches(16, 2), config, tmp_path)
    assert model.runs == 4 + 1  # four batches to learn from, one to validate
    weighted = history(tmp_path)
    train_patches(tmp_path / "without", config=replace(config, token_loss=0.0))
    assert weighted[0]["train_loss"] != history(tmp_path / "without")[0]["train_loss"]
    with pytest.raises(InputError, match=r"--token-loss 0\.5: the samples have no tokens"):
        train_patches(tmp_path / "lacking", config=config)


def test_ssa_mamba_trains_and_uses_its_parameter_groups(tmp_path):
    seed_everything(0)
    model = create_model("ssa_mamba", preset="tiny", in_channels=4, num_classes=3)
    config = replace(CONFIG, epochs=3, token_loss=0.5, precision="bf16")
    result = fit(model, Classification, Patches(64, 1, tokens=True), Patches(32, 2), config, tmp_path)
    assert result.best_score > 0.5
    decays = {group["weight_decay"] for group in checkpoint(tmp_path)["optimizer"]["param_groups"]}
    assert 0.0 in decays


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_every_step_has_gradients_of_the_norm_asked_for_at_most(tmp_path, precision):
    norms = []

    def look(optimizer, args, kwargs):
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"]]
        norms.append(float(torch.linalg.vector_norm(torch.cat([g.flatten() for g in gradients]))))

    watching = register_optimizer_step_post_hook(look)
    largest = {}
    try:
        for clip in (0.0, 1e-3):
            config = replace(CONFIG, epochs=1, warmup_epochs=0, clip_norm=clip, precision=precision)
            fit(make(), Classification, Patches(100, 1), Patches(50, 2), config, tmp_path / str(clip))
            largest[clip] = max(norms[-7:])
    finally:
        watching.remove()
    print(largest)
    assert largest[0.0] > 2e-3
    assert largest[1e-3] <= 1e-3 * (1 + 1e-4)


def test_change_is_learnt_with_a_threshold_from_validation(tmp_path):
    model, validation = make(PairNet), Pairs(6, 2, sizes=(16, 16, 20))
    result = fit(model, ChangeDetection, Pairs(16, 1), validation, CHANGE, tmp_path)
    rows = history(tmp_path)
    assert list(rows[0]) == ["epoch", "train_loss", "val_loss", "f1", "iou", "threshold", "f1_at_half", "lr"]
    best = rows[result.best_epoch - 1]
    assert (result.best_score, result.threshold) == (float(best["f1"]), float(best["threshold"]))
    assert result.best_score == max(float(row["f1"]) for row in rows) >= 0.9
    assert all(float(row["f1"]) >= float(row["f1_at_half"]) for row in rows)

    histograms = evaluate_change(model, validation)
    total = histograms.sum(axis=0)
    threshold = best_threshold(total)
    found = class_counts(confusion_at(total, threshold))
    assert (threshold, change_f1(found)) == (result.threshold, result.best_score)
    unknown = [16, 16, 20, 16, 16, 20]
    assert histograms.sum(axis=(1, 2)).tolist() == [side * (side - 1) for side in unknown]
    assert np.array_equal(evaluate_change(model, validation, batch_size=4), histograms)


class Twice(Model):
    """A weight that is used twice, once with a gradient of 1 and once with one of 256."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Linear(4, 1, bias=False)

    def forward(self, x):
        return torch.cat([self.weight(x), self.weight(256 * x)])


class Sum(Classification):
    """The loss is the sum of all outputs."""

    def loss(self, model, batch):
        return model(batch["image"]).float().sum()


def test_gradients_of_a_weight_that_is_used_twice_add_up_in_float32():
    learner = Learner(Twice(), Sum(CONFIG), "bf16", torch.device("cpu"))
    learner({"image": torch.ones(1, 4)}).backward()
    assert learner.model.weight.weight.grad.tolist() == [[257.0] * 4]  # bfloat16 has 256 and 258


def test_what_cannot_be_trained_is_refused(tmp_path):
    pairs, patches = Pairs(4, 1), Patches(20, 1)
    with pytest.raises(InputError, match=r"num_classes=3: .* use num_classes=1"):
        fit(PairNet(3), ChangeDetection, pairs, pairs, CHANGE, tmp_path)
    with pytest.raises(InputError, match="no validation sample"):
        fit(PatchNet(), Classification, patches, Patches(0, 1), CONFIG, tmp_path)
    with pytest.raises(InputError, match=r"differ in size, .*16.* and .*20.*: choose a --crop-size"):
        fit(PairNet(), ChangeDetection, Pairs(4, 1, sizes=(16, 20)), pairs, CHANGE, tmp_path)


def test_evaluation_leaves_the_model_as_it_was():
    model = make().train()
    model.body[1].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    evaluate_classes(model, Patches(20, 1), precision="bf16")
    assert model.training
    assert not model.body[1].training
    assert_same(before, dict(model.state_dict()))


def test_order_of_samples_follows_from_seed_and_epoch():
    order = epoch_order(50, 8, seed=1, epoch=2)
    assert sorted(chain(*order)) == list(range(50))
    assert [len(batch) for batch in order] == [8, 8, 8, 8, 8, 8, 2]
    assert order == epoch_order(50, 8, seed=1, epoch=2)
    assert order != epoch_order(50, 8, seed=1, epoch=3)
    assert [len(batch) for batch in epoch_order(49, 8, seed=1, epoch=0)] == [8, 8, 8, 8, 8, 9]
    shards = [epoch_order(50, 8, seed=1, epoch=2, shard=Shard(rank, 3)) for rank in range(3)]
    assert [len(batch) for batch in shards[0]] == [len(batch) for batch in shards[2]] == [8, 9]
    together = [index for shard in shards for batch in shard for index in batch]
    assert set(together) == set(range(50))
    assert len(together) == 51


def test_shares_of_the_validation_cover_it_once():
    for samples, world in ((50, 3), (5, 4), (16, 2)):
        shards = [Shard(rank, world).batches(samples, 8) for rank in range(world)]
        assert sorted(index for shard in shards for batch in shard for index in batch) == list(range(samples))


def test_devices_are_named_or_refused():
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(InputError, match="--device tpu: not one of"):
        resolve_device("tpu")
    with pytest.raises(InputError, match="--device cuda:99: "):
        resolve_device("cuda:99")
    config = replace(CONFIG, devices=2, device="mps")
    with pytest.raises(InputError, match="--device"):
        fit(make(), Classification, Patches(20, 1), Patches(20, 1), config, Path("nowhere"))


def test_two_processes_count_validation_exactly(tmp_path):
    threads = torch.get_num_threads()
    config = replace(CHANGE, devices=2, device="cpu", epochs=3)
    model, validation, said = make(PairNet), Pairs(9, 2, sizes=(16, 20)), []
    result = fit(
        model,
        ChangeDetection,
        Pairs(15, 1),
        validation,
        config,
        tmp_path,
        on_progress=lambda amount, remark="": said.append(amount),
    )
    rows = history(tmp_path)
    assert len(rows) == result.epochs_run == 3
    assert sum(said) == 3
    torch.set_num_threads(1)
    histograms = evaluate_change(model, validation, batch_size=config.batch_size)
    torch.set_num_threads(threads)
    total = histograms.sum(axis=0)
    threshold = best_threshold(total)
    found = class_counts(confusion_at(total, threshold))
    assert (threshold, change_f1(found)) == (result.threshold, result.best_score)
    best = rows[result.best_epoch - 1]
    assert (float(best["iou"]), float(best["f1"])) == (change_iou(found), change_f1(found))


def test_recomputed_activations_leave_the_result(tmp_path):
    config = replace(CONFIG, epochs=2, warmup_epochs=0)
    results = []
    for chosen in (False, True):
        seed_everything(0)
        ready = create_model("ssa_mamba", preset="tiny", **BANDS)
        folder = tmp_path / str(chosen)
        fit(ready, Classification, Patches(64, 1), Patches(32, 2), replace(config, recompute=chosen), folder)
        results.append([row["train_loss"] for row in history(folder)])
    assert results[0] == results[1]
