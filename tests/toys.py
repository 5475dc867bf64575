"""Tiny data sets and models that a training test needs, importable by the processes it starts."""

import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import Dataset

from terramamba.landcover.objective import Classification
from terramamba.landcover.settings import ClassConfig
from terramamba.models.model import Model
from terramamba.training.fit import fit
from terramamba.training.loop import seed_everything


class Patches(Dataset):
    """Patches (4, 5, 5) of three classes, told apart by their brightest band; noise anew in each epoch.

    From its third epoch on, a sample takes ``slow`` seconds, so that a run can be killed there.
    """

    def __init__(self, samples, seed, *, tokens=False, slow=0.0, nan_from=None):
        random = torch.Generator().manual_seed(seed)
        self.label = torch.randint(3, (samples,), generator=random)
        self.image = torch.randn(samples, 4, 5, 5, generator=random)
        self.image += 0.8 * nn.functional.one_hot(self.label, 4)[:, :, None, None]
        self.tokens, self.slow, self.nan_from, self.epoch = tokens, slow, nan_from, 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __len__(self):
        return len(self.label)

    def __getitem__(self, index):
        if self.slow and self.epoch >= 2:
            time.sleep(self.slow)
        random = torch.Generator().manual_seed(1000 * self.epoch + index)
        image = self.image[index] + 0.1 * torch.randn(4, 5, 5, generator=random)
        if self.nan_from is not None and self.epoch >= self.nan_from:
            image = image * float("nan")
        sample = {"image": image, "label": self.label[index]}
        if self.tokens:
            sample["token_label"] = torch.full((5, 5), -1)
            sample["token_label"][2, 2] = self.label[index]
        return sample


class Pairs(Dataset):
    """Pairs of images of changing size in which a square gets brighter; one row is not labelled."""

    def __init__(self, samples, seed, sizes=(16,)):
        self.random = torch.Generator().manual_seed(seed)
        self.samples = [self._make(sizes[index % len(sizes)], index) for index in range(samples)]

    def _make(self, size, index):
        image = torch.randn(2, 3, size, size, generator=self.random) * 0.3
        mask = torch.zeros(size, size, dtype=torch.int64)
        if index % 4:
            top, left = torch.randint(size - 6, (2,), generator=self.random).tolist()
            mask[top : top + 6, left : left + 6] = 1
        image[1] += mask
        mask[0] = 255
        return {"image": image, "mask": mask}

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        return self.samples[index]


class PatchNet(Model):
    """Convolution, batch normalisation, dropout; the logits are the mean of the tokens' logits."""

    spec_name = "PatchNet"
    classifies_tokens = True

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(4, 8, 3, padding=1), nn.BatchNorm2d(8), nn.GELU(), nn.Dropout(0.2), nn.Conv2d(8, 3, 1)
        )
        self.runs = 0

    def token_logits(self, x):
        self.runs += 1
        return self.body(x)

    def forward(self, x):
        return self.token_logits(x).mean(dim=(2, 3))


class PairNet(Model):
    """The difference of the dates, convolved."""

    spec_name = "PairNet"

    def __init__(self, outputs=1):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, outputs, 3, padding=1)
        )

    def forward(self, x):
        return self.body(x[:, 1] - x[:, 0])


CONFIG = ClassConfig(epochs=6, batch_size=16, lr=1e-2, warmup_epochs=1, clip_norm=1.0, seed=3)


def make(network=PatchNet, seed=3):
    seed_everything(seed)
    return network()


def train_patches(folder, *, slow=0.0, config=CONFIG, **options):
    """Train the patch network on 100 patches; returns it and the result of ``fit``."""
    model, train = make(), Patches(100, 1, slow=slow)
    return model, fit(model, Classification, train, Patches(50, 2), config, folder, **options)


if __name__ == "__main__":
    import signal

    try:
        reading = replace(CONFIG, loader_workers=int(sys.argv[3]))
        train_patches(Path(sys.argv[1]), slow=float(sys.argv[2]), config=reading)
    except KeyboardInterrupt:
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        sys.exit(130)
