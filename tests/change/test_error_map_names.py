"""Maps of errors are called after pairs, and never overwrite one another."""

from terramamba.change.error_maps import _file_names


def test_names_that_repeat_are_told_apart() -> None:
    names = ["a", "a", "a_0", "B", "b", "x/y", "x_y"]
    found = _file_names(names)
    assert len({name.casefold() for name in found}) == len(names)
    assert found[2] == "errors_a_0.tif"
    assert _file_names(["one", "two"]) == ["errors_one.tif", "errors_two.tif"]
