"""Which band of a scene is which band of a model: by wavelength, by name, by place, or refused."""

from dataclasses import replace

import numpy as np
import pytest
from test_band_views import Numbered

from terramamba.core.errors import InputError
from terramamba.raster.band_identity import WantedBands, bands_of, plain_names
from terramamba.raster.band_matching import match_bands, place_note
from terramamba.raster.geogrid import Grid
from terramamba.raster.readers.wavelengths import nanometres
from terramamba.raster.scene import Scene

OWNER = "the model in run was trained on"


def scene(bands: int, **known: object) -> Scene:
    """Every pixel of band i (from 0) is i."""
    return Scene("s.tif", "made up", bands, "int16", Grid(3, 4), Numbered(), **known)


def wanted(count: int, used: tuple[int, ...] | None = None, **known: object) -> WantedBands:
    return WantedBands(OWNER, count, tuple(range(count)) if used is None else used, **known)


def order(matched: Scene) -> list[int]:
    """Which bands of the file the scene shows; -1 where it has none."""
    values, valid = matched.read()
    return [int(band[0, 0]) if ok.all() else -1 for band, ok in zip(values, valid, strict=True)]


def refusal(given: Scene, bands: WantedBands, chosen: tuple[int, ...] | None = None) -> str:
    with pytest.raises(InputError) as caught:
        match_bands(given, bands, chosen)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_same_bands_in_the_same_order_are_the_scene_itself() -> None:
    for known in ({"wavelengths": (450.0, 550.0)}, {"band_names": ("blue", "green")}, {}):
        given = scene(2, **known)
        assert match_bands(given, bands_of(given)) is given


def test_wavelengths_find_their_bands_in_any_order_among_others() -> None:
    model = wanted(3, wavelengths=(450.0, 550.0, 650.0))
    turned = match_bands(scene(5, wavelengths=(860.0, 651.0, 549.0, 451.0, 400.0)), model)
    assert order(turned) == [3, 2, 1]
    assert turned.wavelengths == (451.0, 549.0, 651.0)
    said = "bands matched by wavelength, at most 1 nm apart: 4, 3, 2 of 5 are used, in this order"
    assert turned.notes[-1] == said


def test_of_bands_at_one_wavelength_the_first_counts_and_is_said() -> None:
    model = wanted(2, wavelengths=(450.0, 550.0))
    twice = match_bands(scene(3, wavelengths=(450.0, 550.0, 550.0)), model)
    assert order(twice) == [0, 1]
    assert "apart (several at 550 nm, of which the first counts): 1-2 of 3" in twice.notes[-1]


def test_micrometres_and_nanometres_are_the_same_band() -> None:
    micro = tuple(nanometres(text, "um") or 0 for text in ("0.65", "0.55", "0.45"))
    assert order(match_bands(scene(3, wavelengths=micro), wanted(3, wavelengths=(450.0, 550.0, 650.0)))) == [
        2,
        1,
        0,
    ]


def test_half_a_band_width_is_the_farthest() -> None:
    """By the width at half maximum where it is known, else by the spacing of the model's bands."""
    spaced = tuple(float(nm) for nm in range(400, 500, 10))
    model = wanted(10, wavelengths=spaced)
    shifted = scene(10, wavelengths=tuple(nm + 4 for nm in spaced))
    assert order(match_bands(shifted, model)) == list(range(10))
    apart = scene(10, wavelengths=(*spaced[:9], 496.0))
    assert "no band within 5 nm of 490 nm" in refusal(apart, model)
    assert "band 10 at 496 nm" in refusal(apart, model)
    wide = replace(model, fwhm=(14.0,) * 10)
    assert order(match_bands(apart, wide)) == list(range(10))
    narrow = replace(model, fwhm=(6.0,) * 10)
    assert "no band within 3 nm of 400 nm" in refusal(shifted, narrow)


def test_bands_far_apart_in_the_spectrum_are_not_taken_for_wide() -> None:
    model = wanted(2, wavelengths=(560.0, 1610.0))
    said = refusal(scene(2, wavelengths=(560.0, 2200.0)), model)
    assert "no band within 20 nm of 1610 nm" in said
    assert "--bands" in said


def test_a_shift_within_the_width_is_noted() -> None:
    given = scene(2, wavelengths=(492.0, 664.0))
    matched = match_bands(given, wanted(2, wavelengths=(482.0, 654.5)))
    assert matched.source is given.source
    assert matched.notes[-1] == "bands matched by wavelength, at most 10 nm apart"


def test_bands_that_are_not_used_may_be_missing_and_have_no_data() -> None:
    model = wanted(4, used=(0, 3), wavelengths=(400.0, 500.0, 600.0, 700.0))
    matched = match_bands(scene(2, wavelengths=(700.0, 400.0)), model)
    assert order(matched) == [1, -1, -1, 0]
    assert matched.bands == 4
    assert matched.read(bands=(3, 1, 0))[1].all(axis=(1, 2)).tolist() == [True, False, True]
    assert match_bands(matched, model) is matched


def test_one_band_for_two_is_refused() -> None:
    model = wanted(2, wavelengths=(500.0, 510.0), fwhm=(30.0, 30.0))
    said = refusal(scene(2, wavelengths=(506.0, 900.0)), model)
    assert "band 1 at 506 nm is the nearest to two, at 500 and 510 nm" in said


def test_spectrometers_that_overlap_keep_their_order() -> None:
    both = (900.0, 950.0, 900.0, 950.0)
    given = scene(4, wavelengths=both)
    assert match_bands(given, wanted(4, wavelengths=both)) is given
    fewer = match_bands(scene(5, wavelengths=(800.0, *both)), wanted(4, wavelengths=both))
    assert order(fewer) == [1, 2, 3, 4]


def test_names_find_their_bands_whatever_their_capitals_and_order() -> None:
    model = wanted(3, names=("Red", "Green", "Blue"))
    assert order(match_bands(scene(4, band_names=("NIR", "blue", "GREEN", "red")), model)) == [3, 2, 1]
    assert "no band named Blue" in refusal(scene(3, band_names=("red", "green", "nir")), model)


@pytest.mark.parametrize(
    ("names", "given", "found"),
    [
        (("B2", "B3", "B11"), ("B11", "B03", "B02"), [2, 1, 0]),
        (("B02", "B03"), ("S2_B3", "S2_B2"), [1, 0]),
        (("B2", "B20"), ("B20", "B02"), [1, 0]),
        (("B2", "B3"), ("B2", "B02", "B03"), None),  # which of two is B2 is left to who gives them
    ],
)
def test_zeros_before_the_number_of_a_band_do_not_matter(
    names: tuple[str, ...], given: tuple[str, ...], found: list[int] | None
) -> None:
    model, other = wanted(len(names), names=names), scene(len(given), band_names=given)
    if found is None:
        assert "no band named B3" in refusal(other, model)
    else:
        assert order(match_bands(other, model)) == found


def test_a_name_that_all_bands_share_a_part_of_is_its_own_part() -> None:
    model = wanted(2, names=("T33UUP_20190101_B02", "T33UUP_20190101_B03"))
    other = scene(2, band_names=("T33UUP_20200202_B03", "T33UUP_20200202_B02"))
    assert order(match_bands(other, model)) == [1, 0]
    assert order(match_bands(scene(2, band_names=("B03", "B02")), model)) == [1, 0]


def test_a_band_without_a_name_among_named_ones_has_its_number() -> None:
    model = wanted(4, names=("red", "green", "blue", "band 4"))
    turned = scene(4, band_names=("blue", "green", "red", "band 4"))
    assert order(match_bands(turned, model)) == [2, 1, 0, 3]


def test_wavelengths_count_before_names() -> None:
    model = wanted(2, wavelengths=(450.0, 650.0), names=("one", "two"))
    given = scene(2, wavelengths=(650.0, 450.0), band_names=("one", "two"))
    assert order(match_bands(given, model)) == [1, 0]


def test_by_place_both_have_as_many() -> None:
    for known in ({}, {"band_names": ("Band_1", "band 2", "3")}, {"wavelengths": (1.0, 2.0, 3.0)}):
        given = scene(3, **known)
        assert match_bands(given, wanted(3, names=None)) is given
    assert refusal(scene(4), wanted(3)).startswith(
        "s.tif: has 4 bands, but the model in run was trained on 3; give a scene with the same bands"
    )


@pytest.mark.parametrize(
    ("bands", "known", "said"),
    [
        (5, {"wavelengths": (450.0, 550.0, 650.0, 750.0, 850.0)}, "450 to 850 nm"),
        (5, {"names": ("b1x", "g", "r", "re", "nir")}, "b1x to nir"),
        (5, {}, None),
        (3, {"names": ("red", "green", "blue")}, None),  # a photograph
    ],
)
def test_bands_matched_by_place_though_it_is_known_which_are_wanted_are_said(
    bands: int, known: dict[str, object], said: str | None
) -> None:
    note = place_note(scene(bands), wanted(bands, **known))
    assert note == (said and f"bands matched by place: the file does not say which its 5 are, {OWNER} {said}")
    told = scene(5, wavelengths=(450.0, 550.0, 650.0, 750.0, 850.0))
    assert place_note(told, wanted(5, wavelengths=told.wavelengths)) is None


def test_what_somebody_says_counts_before_wavelengths_and_names() -> None:
    model = wanted(3, used=(0, 2), wavelengths=(450.0, 550.0, 650.0), names=("b", "g", "r"))
    given = scene(4, wavelengths=(10.0, 20.0, 30.0, 40.0), band_names=("w", "x", "y", "z"))
    for chosen, expected in (((3, 1, 0), [3, 1, 0]), ((3, 0), [3, -1, 0])):
        matched = match_bands(given, model, chosen)
        assert order(matched) == expected
        assert match_bands(matched, model) is matched
    assert "--bands names 1 band, but the model in run was trained on 2, of 3" in refusal(given, model, (0,))


def test_views_keep_what_is_known_of_each_band() -> None:
    given = scene(
        3, wavelengths=(1e3, 2e3, 3e3), fwhm=(1.0, 2.0, 3.0), bad_bands=(True, False, False), nodata=7.0
    )
    matched = match_bands(given, wanted(2, wavelengths=(3e3, 1e3)))
    assert (matched.fwhm, matched.bad_bands, matched.nodata) == ((3.0, 1.0), (False, True), 7.0)
    assert np.array_equal(matched.preview(2)[0][:, 0, 0], [2, 0])


@pytest.mark.parametrize(
    ("names", "known"),
    [
        (("Band_4", "Band_3", "Band_2"), True),
        (("Layer 5", "Layer 6"), True),
        (("Band_1", "Band_2"), False),
        (("Layer_0", "Layer_1"), False),
        (("band 4", "band 3"), False),  # as bands without names are called here
        (("4", "3"), False),
    ],
)
def test_numbers_in_another_order_tell_which_bands_they_are(names: tuple[str, ...], known: bool) -> None:
    assert (plain_names(names) is not None) == known
