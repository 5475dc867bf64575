"""Class colours."""

import numpy as np

from terramamba.data.labels.palette import _cielab, default_colours


def test_sixty_colours_differ_to_the_eye_and_from_black_and_white() -> None:
    colours = default_colours(64)
    assert len(set(colours)) == 64
    lab = _cielab(np.array([*colours, (0, 0, 0), (255, 255, 255)], np.float64))
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=-1) + 1000 * np.eye(len(lab))
    assert apart.min() > 10  # about four times what the eye just tells apart


def test_the_first_colours_do_not_depend_on_how_many_there_are() -> None:
    assert default_colours(40)[:12] == default_colours(12)
    assert default_colours(0) == ()


def test_cielab_of_known_colours() -> None:
    lab = _cielab(np.array([[255, 255, 255], [255, 0, 0], [0, 0, 0]], np.float64))
    np.testing.assert_allclose(lab, [[100, 0, 0], [53.24, 80.09, 67.2], [0, 0, 0]], atol=0.05)
