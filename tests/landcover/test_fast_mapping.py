"""Fast mapping against a plain loop over tiles, and against exact mapping."""

import json
from dataclasses import replace

import numpy as np
import pytest
import rasterio
import torch
from torch import Tensor, nn

from terramamba.api import map_classes, train_classifier
from terramamba.core.errors import InputError
from terramamba.data.synthetic.files import make_scene
from terramamba.landcover.fast import TILINGS, choose_tilings, fast_logits, margin, shifts
from terramamba.landcover.settings import ClassifySettings
from terramamba.mapping.windows import cover
from terramamba.models.model import Model
from terramamba.models.registry import create_model
from terramamba.runs.folder import load_run
from terramamba.runs.model_card import FastAgreement, TilingScore


class Tokens(Model):
    """Each token sees its whole tile, and where in the tile it lies."""

    classifies_tokens = True

    def __init__(self, bands: int, p: int) -> None:
        super().__init__()
        self.head = nn.Linear(bands, 3)
        self.place = nn.Parameter(torch.randn(p, p))

    def token_logits(self, x: Tensor) -> Tensor:
        seen = x * self.place + x.mean((2, 3), keepdim=True)
        return self.head(seen.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def by_hand(model: Tokens, ext: np.ndarray, h: int, w: int, p: int, tilings: int) -> np.ndarray:
    """Pixel by pixel: ``ext`` is the scene with ``margin(p)`` more on every side."""
    reach, half = margin(p), p // 2
    views = []
    for down, right in shifts(p, tilings):
        tokens = np.full((3, h + 2 * reach, w + 2 * reach), np.nan)
        for top in range(-reach, h + half, 1):
            for left in range(-reach, w + half, 1):
                if (top - down) % p or (left - right) % p:
                    continue
                rows, cols = slice(top + reach, top + reach + p), slice(left + reach, left + reach + p)
                if rows.stop > ext.shape[1] or cols.stop > ext.shape[2]:
                    continue
                tile = torch.from_numpy(np.ascontiguousarray(ext[:, rows, cols]))[None]
                tokens[:, rows, cols] = model.token_logits(tile)[0].numpy()
        views.append(tokens)
    mean = np.mean(views, axis=0)
    out = np.empty((h, w, 3))
    for i in range(h):
        for j in range(w):
            window = mean[:, i + reach - half : i + reach + half + 1, j + reach - half : j + reach + half + 1]
            out[i, j] = window.mean((1, 2))
    return out


@pytest.mark.parametrize("tilings", TILINGS)
@pytest.mark.parametrize(("p", "h", "w"), [(1, 3, 4), (3, 5, 8), (5, 11, 6)])
def test_logits_are_those_of_tiles_by_hand(seed, tilings, p, h, w):
    torch.manual_seed(seed)
    model, reach = Tokens(4, p).double(), margin(p)
    ext = torch.randn(4, h + 2 * reach, w + 2 * reach).double()
    usable = torch.rand(h, w) < 0.6
    usable[h // 2, w // 2] = True
    with torch.inference_mode():
        want = by_hand(model, ext.numpy(), h, w, p, tilings)[usable.numpy()]
        whole = fast_logits(model, ext, usable, (0, 0), patch_size=p, tilings=tilings, batch_size=4)
        assert whole.double().numpy() == pytest.approx(want, rel=1e-5, abs=1e-5)
        # The same in windows, which start where tiles do not.
        image = torch.full((h, w, 3), torch.nan)
        for window in cover(h, w, rows=1 + h // 2, cols=1 + w // 2):
            (rows, cols), origin = window.slices, (window.row, window.col)
            if usable[rows, cols].any():
                part = ext[:, rows.start : rows.stop + 2 * reach, cols.start : cols.stop + 2 * reach]
                options = {"patch_size": p, "tilings": tilings, "batch_size": 7}
                found = fast_logits(model, part, usable[rows, cols], origin, **options)
                image[rows, cols][usable[rows, cols]] = found.float()
    torch.testing.assert_close(image[usable], whole.float())


def test_one_pixel_patches_need_no_tiles(seed):
    """With p = 1 a token is a patch: fast is exact."""
    torch.manual_seed(seed)
    model = create_model("ssa_mamba", preset="tiny", in_channels=5, num_classes=3).eval()
    x = torch.randn(5, 4, 6)
    with torch.inference_mode():
        fast = fast_logits(
            model, x, torch.ones(4, 6, dtype=torch.bool), (0, 0), patch_size=1, tilings=9, batch_size=5
        )
        exact = model(x.flatten(1).t()[:, :, None, None])
    torch.testing.assert_close(fast, exact)


def test_auto_takes_the_fewest_tilings_that_are_good_enough():
    tilings = {1: 0.970, 2: 0.9775, 4: 0.979, 9: 0.981}
    scores = {number: TilingScore(oa, 1.0) for number, oa in tilings.items()}
    record = FastAgreement(0.980, scores)
    assert choose_tilings("auto", 1, 0.3, record) == 2
    assert choose_tilings("auto", 1, 1.5, record) == 1
    assert choose_tilings("auto", 1, 0.0, record) == 9
    assert choose_tilings("auto", 1, 0.0, FastAgreement(1.0, scores)) == 0
    assert choose_tilings("auto", 1, 0.3, None) == 0
    assert choose_tilings("fast", 4, 0.3, record) == 4
    assert choose_tilings("exact", 4, 0.3, record) == 0
    with pytest.raises(InputError, match="--mode quick: choose one of exact, fast, auto"):
        choose_tilings("quick", 1, 0.3, None)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    home = tmp_path_factory.mktemp("fast")
    made = make_scene(home / "scene", 0, height=60, width=60, bands=12)
    settings = ClassifySettings(
        scene=str(made.scene),
        labels=str(made.labels),
        out=str(home / "run"),
        preset="tiny",
        epochs=3,
        batch_size=32,
        patch_size=5,
        train_fraction=0.3,
        token_loss=0.5,
    )
    return home, made, train_classifier(settings)


def read(path):
    with rasterio.open(path) as file:
        return file.read(1)


def test_a_run_records_how_close_fast_is_and_maps_so(trained, tmp_path):
    home, made, result = trained
    record = json.loads((home / "run" / "model.json").read_text())["fast"]
    assert record["exact_oa"] == pytest.approx(result["validation"]["oa"])
    assert list(record["tilings"]) == ["1", "2", "4", "9"]
    assert result["fast"] == record
    exact = map_classes(home / "run", made.scene, tmp_path / "exact.tif")
    assert (exact.tilings, exact.agreement) == (0, None)
    for tilings in (1, 4):
        out = tmp_path / f"fast{tilings}.tif"
        fast = map_classes(home / "run", made.scene, out, mode="fast", tilings=tilings)
        assert fast.agreement == record["tilings"][str(tilings)]["agreement"]
        strips = tmp_path / f"strips{tilings}.tif"
        map_classes(home / "run", made.scene, strips, mode="fast", tilings=tilings, strip_rows=9)
        assert np.mean(read(out) == read(strips)) > 0.999
        assert np.mean(read(out) == read(tmp_path / "exact.tif")) > 0.7
        assert np.array_equal(read(out) == 0, read(tmp_path / "exact.tif") == 0)
    auto = map_classes(home / "run", made.scene, tmp_path / "auto.tif", mode="auto", tolerance=100)
    assert auto.tilings == 1


def test_what_fast_mapping_refuses(trained, tmp_path):
    home, made, _ = trained
    with pytest.raises(InputError, match=r"--tilings 3: choose one of 1, 2, 4, 9"):
        map_classes(home / "run", made.scene, tmp_path / "a.tif", mode="fast", tilings=3)
    for unused in ({"tilings": 4}, {"tilings": 4, "mode": "auto"}, {"tolerance": 1.0, "mode": "fast"}):
        with pytest.raises(InputError, match=rf"--{next(iter(unused))} [\d.]+: is for --mode"):
            map_classes(home / "run", made.scene, tmp_path / "a.tif", **unused)
    run = replace(load_run(home / "run"), model=Model())
    with pytest.raises(InputError, match="--mode fast: this model does not classify the single pixels"):
        map_classes(run, made.scene, tmp_path / "a.tif", mode="fast")
    assert not any(tmp_path.iterdir())
