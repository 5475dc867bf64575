"""What `terramamba models` lists is what the models are."""

import json

import pytest

from programs import python
from terramamba.core.errors import InputError
from terramamba.models.listing import FILE, listed_models
from terramamba.tasks import TASKS


def test_the_list_is_counted_from_the_models() -> None:
    # In a program, where annotations of the largest models are not checked.
    code = "from terramamba.models.listing import count_models, to_json; print(to_json(count_models()))"
    counted = python("-c", code, check=True).stdout
    assert json.loads(counted) == json.loads(FILE.read_text(encoding="utf-8")), (
        "write it again: python -m terramamba.models.listing"
    )


def test_models_of_an_unknown_task_are_refused() -> None:
    with pytest.raises(InputError, match=f"task 'segment' is unknown; choose one of: {', '.join(TASKS)}"):
        listed_models("segment")


def test_listing_needs_no_pytorch() -> None:
    code = "import sys; from terramamba.cli import main; main(['models']); sys.exit('torch' in sys.modules)"
    assert python("-c", code, fresh=True).returncode == 0
