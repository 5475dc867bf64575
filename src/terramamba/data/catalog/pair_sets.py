"""Sets of image pairs known by name.

Where two protocols share the images (LEVIR-CD), each is a record, so that its name on a score says which.
"""

from dataclasses import replace

from terramamba.data.catalog.record import PairSet, Remote

_SPLIT = "in each of train, val and test"
_LEVIR = (
    "https://huggingface.co/datasets/satellite-image-deep-learning/LEVIR-CD/resolve/"
    "6a6bb0a5b389403d81c05e33bf08bc0b9e5f13a6"
)
_OSCD = "https://hf.co/datasets/hkristen/oscd/resolve/4958d786c1389ede1511d91a6ecf1a75c4074933"
_ONERA = "Onera Satellite Change Detection dataset - "


def _onera(part: str, checksum: str) -> Remote:
    name = f"{_ONERA}{part}.zip"
    return Remote(f"{_OSCD}/{name.replace(' ', '%20')}", name, f"md5:{checksum}", folder=f"{_ONERA}{part}")


LEVIR = PairSet(
    name="levir-1024",
    title="LEVIR-CD, whole images",
    about="buildings in 20 places in Texas, USA, 2002-2018 (Google Earth)",
    terms="for academic use; commercial use is not allowed",
    where=(
        "`--download` fetches a copy at Hugging Face; where that fails, follow the links of "
        "https://justchenhao.github.io/LEVIR/ and unpack train.zip, val.zip and test.zip into folders of "
        "these names below the root"
    ),
    cite="Chen and Shi 2020, doi 10.3390/rs12101662",
    remotes=(
        Remote(f"{_LEVIR}/train.zip", "train.zip", "md5:a638e71f480628652dea78d8544307e4", folder="train"),
        Remote(f"{_LEVIR}/val.zip", "val.zip", "md5:f7b857978524f9aa8c3bf7f94e3047a4", folder="val"),
        Remote(f"{_LEVIR}/test.zip", "test.zip", "md5:07d5dd89e46f5c1359e2eca746989ed9", folder="test"),
    ),
    checksums_from="the project torchgeo",
    bands=3,
    metres="0.5 m",
    change="buildings",
    total="637 pairs of 1024 x 1024",
    folders=f"A, B and label {_SPLIT}",
    side=1024,
    subsets={"train": 445, "val": 64, "test": 128},
)

LEVIR_256 = replace(
    LEVIR,
    name="levir-256",
    title="LEVIR-CD, crops",
    total="10,192 crops of 256 x 256",
    side=256,
    subsets={"train": 7120, "val": 1024, "test": 2048},
    tile=256,
)

SYSU = PairSet(
    name="sysu-cd",
    title="SYSU-CD",
    about="all kinds of change in Hong Kong, 2007-2014 (aerial)",
    terms="not stated; cite the source",
    where=(
        "follow the links of https://github.com/liumency/SYSU-CD and unpack train, val and test below the "
        "root"
    ),
    cite="Shi et al. 2021, doi 10.1109/TGRS.2021.3085870",
    bands=3,
    metres="0.5 m",
    change="buildings, groundwork, vegetation, roads, sea construction",
    total="20,000 pairs of 256 x 256",
    folders=f"time1, time2 and label {_SPLIT}",
    side=256,
    subsets={"train": 12000, "val": 4000, "test": 4000},
)

GZ = PairSet(
    name="gz-cd",
    title="GZ-CD",
    about="suburbs of Guangzhou, China, 2006-2019 (Google Earth)",
    terms="not stated; cite the source",
    where=(
        "follow the link (Baidu, with password) of https://github.com/daifeng2016/"
        "Change-Detection-Dataset-for-High-Resolution-Satellite-Imagery, and sort the pairs into train, val "
        "and test yourself: no parts are published"
    ),
    cite="Peng et al. 2021, doi 10.1109/TGRS.2020.3011913",
    bands=3,
    metres="0.55 m",
    change="buildings for the most part",
    total="19 large pairs",
    folders=f"A, B and label {_SPLIT}, once sorted",
)

CLCD = PairSet(
    name="clcd",
    title="CLCD (CropLand Change Detection)",
    about="cropland in Guangdong, China, 2017 and 2019 (Gaofen-2)",
    terms="not stated; cite the source",
    where=(
        "follow the links of https://github.com/liumency/CropLand-CD and unpack train, val and test below "
        "the root"
    ),
    cite="Liu et al. 2022, doi 10.1109/JSTARS.2022.3177235",
    bands=3,
    metres="0.5-2 m",
    change="cropland",
    total="600 pairs of 512 x 512",
    folders=f"time1, time2 and label {_SPLIT}",
    side=512,
    subsets={"train": 360, "val": 120, "test": 120},
)

WHU = PairSet(
    name="whu-cd",
    title="WHU-CD",
    about="buildings in Christchurch, New Zealand, 2012 and 2016 (aerial)",
    terms="as its page says; cite the source",
    where=(
        "take the building change detection set from http://gpcv.whu.edu.cn/data/building_dataset.html, and "
        "sort crops of its one large pair into train, val and test: only crops by others have all three parts"
    ),
    cite="Ji et al. 2019, doi 10.1109/TGRS.2018.2858817",
    bands=3,
    metres="0.2 m",
    change="buildings",
    total="one pair of 32507 x 15354",
    folders=f"A, B and label {_SPLIT}, or A, B, label and list side by side, once cut",
)

DSIFN = PairSet(
    name="dsifn-cd",
    title="DSIFN-CD",
    about="six cities in China (Google Earth)",
    terms="for scientific research",
    where=(
        "follow the link (Baidu, with password) of https://github.com/GeoZcx/A-deeply-supervised-image-"
        "fusion-network-for-change-detection-in-remote-sensing-images/tree/master/dataset and unpack train, "
        "val and test below the root"
    ),
    cite="Zhang et al. 2020, doi 10.1016/j.isprsjprs.2020.06.003",
    bands=3,
    metres="2 m",
    change="all kinds",
    total="3,988 pairs of 512 x 512",
    folders=f"t1, t2 and mask {_SPLIT}",
    side=512,
    subsets={"train": 3600, "val": 340, "test": 48},
)

S2LOOKING = PairSet(
    name="s2looking",
    title="S2Looking",
    about="rural buildings in many countries, seen from the side (satellites, 2017-2020)",
    terms="not stated; cite the source",
    where=(
        "follow the links of https://github.com/S2Looking/Dataset and unpack train, val and test below the "
        "root"
    ),
    cite="Shen et al. 2021, doi 10.3390/rs13245094",
    bands=3,
    metres="0.5-0.8 m",
    change="buildings",
    total="5,000 pairs of 1024 x 1024",
    folders=f"Image1, Image2 and label {_SPLIT}",
    side=1024,
    subsets={"train": 3500, "val": 500, "test": 1000},
)

OSCD = PairSet(
    name="oscd",
    title="OSCD (Onera Satellite Change Detection)",
    about="cities in many countries, 2015-2018 (Sentinel-2)",
    terms="as https://rcdaudt.github.io/oscd/ says; the images hold modified Copernicus Sentinel data",
    where=(
        "`--download` fetches a copy at Hugging Face; where that fails, follow the links of "
        "https://rcdaudt.github.io/oscd/ and unpack the three archives below the root"
    ),
    cite="Daudt et al. 2018, doi 10.1109/IGARSS.2018.8518015",
    remotes=(
        _onera("Images", "c50d4a2941da64e03a47ac4dec63d915"),
        _onera("Train Labels", "4d2965af8170c705ebad3d6ee71b6990"),
        _onera("Test Labels", "8177d437793c522653c442aa4e66c617"),
    ),
    checksums_from="the project torchgeo",
    bands=13,
    metres="10 m",
    change="urban",
    total="24 pairs of about 600 x 600",
    folders=(
        f"'{_ONERA}Images', with imgs_1_rect and imgs_2_rect in each region, and '{_ONERA}Train Labels' and "
        f"'{_ONERA}Test Labels', with cm/cm.png; every fifth training region is validation here"
    ),
    subsets={"train": 12, "val": 2, "test": 10},
    kind="oscd",
)

PAIR_SETS = (LEVIR, LEVIR_256, SYSU, GZ, CLCD, WHU, DSIFN, S2LOOKING, OSCD)
