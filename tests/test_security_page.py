"""The bounds that docs/security.md states are those of the code."""

import re
from pathlib import Path

import pytest

from terramamba.core import documents, hub, network, tables, unpacked
from terramamba.data.catalog import download, unpack
from terramamba.data.labels import label_description, label_grid
from terramamba.mapping import executors
from terramamba.mapping import windows as mapping_windows
from terramamba.models.encoders import pretrained
from terramamba.raster import sample_statistics, windows
from terramamba.raster.readers import references, stac, stac_answers

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("JSON, CSV | {} MB at most", documents.MOST_BYTES >> 20),
        ("YAML files | {} MB at most", documents.MOST_YAML_BYTES >> 20),
        ("tables {} columns", tables.MOST_COLUMNS),
        ("and {} letters a line", tables.LONGEST_LINE),
        ("lines of text | {} at most", documents.MOST_LINES),
        ("more than {} GB and 100 times", unpacked.MOST_UNPACKED >> 30),
        ("{} levels and", documents.MOST_NESTED),
        ("NetCDF-4 | {} levels at most", references.MOST_LEVELS),
        ("and {} values at most", documents.MOST_NODES),
        ("`.npz`, MATLAB v5 | unpack to {} GB", unpacked.MOST_UNPACKED >> 30),
        ("or to {} times their size", unpacked.MOST_RATIO),
        ("and a licence, {} GiB at most", hub.LARGEST >> 30),
        ("nothing else, {} GB at most", pretrained.LARGEST_FILE >> 30),
        ("until a connection stands | {} seconds", network.CONNECT_SECONDS),
        ("without a byte | {} seconds", network.PATIENCE_SECONDS),
        ("so long with less than | {} bytes a second", network.SLOWEST),
        ("download that comes with less than | {} bytes a second", network.SLOWEST),
        ("of its head come | {} seconds", int(network.ANSWER_SECONDS)),
        ("a STAC item | {} bytes", stac.LARGEST_ITEM),
        ("bytes, in {} seconds", int(stac_answers.WHOLE_SECONDS)),
        ("requests for one thing | {},", network.TRIES),
        ("that does not answer | {} seconds", executors.CONNECTING_SECONDS),
        ("without workers | {} seconds", executors.WITHOUT_WORKERS),
        ("no links; {} GB,", unpack.MOST_UNPACKED >> 30),
        ("GB, {} files and", unpack.MOST_FILES),
        ("of unknown length | {} GB", download.MOST_FETCHED >> 30),
        ("a training | {} values of each", sample_statistics.MOST_VALUES),
        ("in {} bands at most", sample_statistics.MOST_BANDS),
        ("from blocks of {} GB once", windows.MOST_DECODED >> 30),
        ("an image of up to {} pixels", label_description.MOST_COUNTED),
        ("else of {} of them", label_description.MOST_SAMPLED),
        ("label images | {} pixels", label_grid.MOST_PIXELS),
        ("a map | {} windows", mapping_windows.MOST_WINDOWS),
    ],
)
def test_a_bound_of_the_page_is_that_of_the_code(words: str, value: int) -> None:
    assert words.format(f"{value:,}") in PAGE


def test_it_is_linked_and_nothing_is_invented_as_an_address() -> None:
    said = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "docs/security.md" in said
    assert "docs/security.md" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert not re.search(r"\w@\w", said + PAGE)
