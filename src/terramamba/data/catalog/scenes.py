"""Hyperspectral scenes known by name.

Sizes, classes and counts are those of the published files. A checksum stands here only where somebody has
published it.
"""

from terramamba.data.catalog.record import Expected, Remote, SceneSet

_EHU = "https://www.ehu.eus/ccwintco/uploads"
_EHU_PAGE = "https://www.ehu.eus/ccwintco/index.php/Hyperspectral_Remote_Sensing_Scenes"
_EHU_WHERE = "`--download` fetches both files; where that fails, take {files} from " + _EHU_PAGE
_NO_TERMS = "not stated; cite the source"


def _ehu(name: str, place: str) -> Remote:
    return Remote(f"{_EHU}/{place}/{name}", name)


def _whu(
    name: str, height: int, width: int, bands: int, classes: tuple[str, ...], pixels: tuple[int, ...]
) -> SceneSet:
    stem = f"WHU_Hi_{name}"
    return SceneSet(
        name=f"whu-hi-{name.lower()}",
        title=f"WHU-Hi-{name}",
        about=f"crops and cover at {name}, Hubei, China, from a drone (Headwall Nano-Hyperspec, 400-1000 nm)",
        terms="as its page says; cite the source",
        where=(
            "ask for it at http://rsidea.whu.edu.cn/resource_WHUHi_sharing.htm, and put "
            f"{stem}.mat and {stem}_gt.mat (Matlab version) below the root"
        ),
        cite="Zhong et al. 2020, doi 10.1016/j.rse.2020.112012",
        height=height,
        width=width,
        bands=(bands,),
        number=len(classes),
        scene=Expected((f"{stem}.mat",)),
        labels={"all": Expected((f"{stem}_gt.mat",))},
        classes=classes,
        pixels={"all": pixels},
    )


HOUSTON = SceneSet(
    name="houston2013",
    title="Houston2013 (IEEE GRSS Data Fusion Contest 2013)",
    about="the campus of the University of Houston, USA, June 2012 (CASI-1500, 380-1050 nm, 2.5 m)",
    terms="for research; cite the contest, and thank the University of Houston and the IEEE GRSS IADF",
    where=(
        "`--download` fetches the contest's archive and the test samples as text; where that fails, ask at "
        "https://machinelearning.ee.uh.edu/?page_id=459 for 2013_DFTC.zip and unpack it below the root, and "
        "export the test samples (2013_IEEE_GRSS_DF_Contest_Samples_VA.roi) from ENVI as text"
    ),
    cite="Debes et al. 2014, doi 10.1109/JSTARS.2014.2305441",
    checksums_from="the project songyz2019/rs-fusion-datasets",
    remotes=(
        Remote(
            "https://machinelearning.ee.uh.edu/2egf4tg8hial13gt/2013_DFTC.zip",
            "2013_DFTC.zip",
            "sha256:f4d619d5cbcb09d0301038f1b8fe83def6c2d484334b7b8127740a00ecf7e245",
            folder="houston2013",
        ),
        Remote(
            "https://github.com/songyz2019/rs-fusion-datasets-dist/releases/download/v1.0.0/"
            "2013_IEEE_GRSS_DF_Contest_Samples_VA.txt",
            "2013_IEEE_GRSS_DF_Contest_Samples_VA.txt",
            "sha256:768bb02193d04c8020b45f1f31a49926a5b914040f77f71a81df756d6e8b8dcb",
        ),
    ),
    height=349,
    width=1905,
    bands=(144,),
    number=15,
    scene=Expected(
        ("2013_IEEE_GRSS_DF_Contest_CASI.tif", "HSI.mat"),
        "sha256:1440f38594e8e82cc1944c084fc138ef55a70af54122828e999c4fb438574c14",
    ),
    labels={
        "train": Expected(
            ("2013_IEEE_GRSS_DF_Contest_Samples_TR.txt", "TRLabel.mat"),
            "sha256:16c69cf216535d7b4df2045b05d49c50a078609aa6d011a5e23e54f4cd08abda",
        ),
        "test": Expected(
            ("2013_IEEE_GRSS_DF_Contest_Samples_VA.txt", "TSLabel.mat"),
            "sha256:768bb02193d04c8020b45f1f31a49926a5b914040f77f71a81df756d6e8b8dcb",
        ),
    },
    classes=(
        *("healthy grass", "stressed grass", "synthetic grass", "trees", "soil", "water", "residential"),
        *("commercial", "road", "highway", "railway", "parking lot 1", "parking lot 2", "tennis court"),
        "running track",
    ),
    pixels={
        "train": (198, 190, 192, 188, 186, 182, 196, 191, 193, 191, 181, 192, 184, 181, 187),
        "test": (1053, 1064, 505, 1056, 1056, 143, 1072, 1053, 1059, 1036, 1054, 1041, 285, 247, 473),
    },
)

XIONGAN = SceneSet(
    name="xiongan",
    title="XiongAn (Matiwan Village)",
    about="crops at Matiwan, Xiong'an, China, October 2017 (airborne, 400-1000 nm, 0.5 m)",
    terms="as its page says; cite the source",
    where=(
        "take it from http://www.hrs-cas.com/a/share/shujuchanpin/2019/0501/1049.html, and put xiongan.mat "
        "and xiongan_gt.mat below the root"
    ),
    cite="Cen et al. 2020, doi 10.11834/jrs.20209065",
    height=3750,
    width=1580,
    bands=(250, 256),
    number=20,
    scene=Expected(("xiongan.mat",)),
    labels={"all": Expected(("xiongan_gt.mat",))},
    either_way=True,
)

INDIAN_PINES = SceneSet(
    name="indian-pines",
    title="Indian Pines",
    about="farmland in Indiana, USA, June 1992 (AVIRIS, 400-2500 nm, 20 m; water bands removed)",
    terms=_NO_TERMS,
    where=_EHU_WHERE.format(files="Indian_pines_corrected.mat and Indian_pines_gt.mat"),
    cite="Baumgardner et al. 2015, doi 10.4231/R7RX991C",
    remotes=(_ehu("Indian_pines_corrected.mat", "6/67"), _ehu("Indian_pines_gt.mat", "c/c4")),
    height=145,
    width=145,
    bands=(200,),
    number=16,
    scene=Expected(("Indian_pines_corrected.mat",)),
    labels={"all": Expected(("Indian_pines_gt.mat",))},
    classes=(
        *("alfalfa", "corn-notill", "corn-mintill", "corn", "grass-pasture", "grass-trees"),
        *("grass-pasture-mowed", "hay-windrowed", "oats", "soybean-notill", "soybean-mintill"),
        *("soybean-clean", "wheat", "woods", "buildings-grass-trees-drives", "stone-steel-towers"),
    ),
    pixels={
        "all": (46, 1428, 830, 237, 483, 730, 28, 478, 20, 972, 2455, 593, 205, 1265, 386, 93),
    },
)

PAVIA = SceneSet(
    name="pavia-university",
    title="Pavia University",
    about="the university at Pavia, Italy, 2001 (ROSIS, 430-860 nm, 1.3 m)",
    terms=_NO_TERMS,
    where=_EHU_WHERE.format(files="PaviaU.mat and PaviaU_gt.mat"),
    cite="Prof. Paolo Gamba, University of Pavia",
    remotes=(_ehu("PaviaU.mat", "e/ee"), _ehu("PaviaU_gt.mat", "5/50")),
    height=610,
    width=340,
    bands=(103,),
    number=9,
    scene=Expected(("PaviaU.mat",)),
    labels={"all": Expected(("PaviaU_gt.mat",))},
    classes=(
        *("asphalt", "meadows", "gravel", "trees", "painted metal sheets", "bare soil", "bitumen"),
        *("self-blocking bricks", "shadows"),
    ),
    pixels={"all": (6631, 18649, 2099, 3064, 1345, 5029, 1330, 3682, 947)},
)

SALINAS = SceneSet(
    name="salinas",
    title="Salinas",
    about="farmland in California, USA (AVIRIS, 400-2500 nm, 3.7 m; water bands removed)",
    terms=_NO_TERMS,
    where=_EHU_WHERE.format(files="Salinas_corrected.mat and Salinas_gt.mat"),
    cite=f"the page {_EHU_PAGE}",
    remotes=(_ehu("Salinas_corrected.mat", "a/a3"), _ehu("Salinas_gt.mat", "f/fa")),
    height=512,
    width=217,
    bands=(204,),
    number=16,
    scene=Expected(("Salinas_corrected.mat",)),
    labels={"all": Expected(("Salinas_gt.mat",))},
    classes=(
        *("brocoli green weeds 1", "brocoli green weeds 2", "fallow", "fallow rough plow", "fallow smooth"),
        *("stubble", "celery", "grapes untrained", "soil vinyard develop", "corn senesced green weeds"),
        *("lettuce romaine 4wk", "lettuce romaine 5wk", "lettuce romaine 6wk", "lettuce romaine 7wk"),
        *("vinyard untrained", "vinyard vertical trellis"),
    ),
    pixels={
        "all": (
            *(2009, 3726, 1976, 1394, 2678, 3959, 3579, 11271),
            *(6203, 3278, 1068, 1927, 916, 1070, 7268, 1807),
        ),
    },
)

SCENES = (
    HOUSTON,
    _whu(
        "HongHu",
        940,
        475,
        270,
        (
            *("red roof", "road", "bare soil", "cotton", "cotton firewood", "rape", "Chinese cabbage"),
            *("pakchoi", "cabbage", "tuber mustard", "Brassica parachinensis", "Brassica chinensis"),
            *("small Brassica chinensis", "Lactuca sativa", "celtuce", "film covered lettuce"),
            *("romaine lettuce", "carrot", "white radish", "garlic sprout", "broad bean", "tree"),
        ),
        (
            *(14041, 3512, 21821, 163285, 6218, 44557, 24103, 4054, 10819, 12394, 11015),
            *(8954, 22507, 7356, 1002, 7262, 3010, 3217, 8712, 3486, 1328, 4040),
        ),
    ),
    _whu(
        "HanChuan",
        1217,
        303,
        274,
        (
            *("strawberry", "cowpea", "soybean", "sorghum", "water spinach", "watermelon", "greens"),
            *("trees", "grass", "red roof", "gray roof", "plastic", "bare soil", "road", "bright object"),
            "water",
        ),
        (
            *(44735, 22753, 10287, 5353, 1200, 4533, 5903, 17978),
            *(9469, 10516, 16911, 3679, 9116, 18560, 1136, 75401),
        ),
    ),
    _whu(
        "LongKou",
        550,
        400,
        270,
        (
            *("corn", "cotton", "sesame", "broad-leaf soybean", "narrow-leaf soybean", "rice", "water"),
            *("roads and houses", "mixed weed"),
        ),
        (34511, 8374, 3031, 63212, 4151, 11854, 67056, 7124, 5229),
    ),
    XIONGAN,
    INDIAN_PINES,
    PAVIA,
    SALINAS,
)
