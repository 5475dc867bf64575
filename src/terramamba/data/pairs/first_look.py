"""What is asked of the pixels of every pair, asked while its files are open.

What labels mean, which pairs are copies and which overlap is found over all pairs, one question after the
other, and thousands of files cannot stay open in between. So all of it is asked of each pair when it is met
first, and the answers, which are small, wait in its ``FileFacts``. What cannot be answered yet is asked again
in its turn, and says then what is wrong.
"""

from contextlib import suppress

from terramamba.core.errors import InputError
from terramamba.data.pairs.copies import coarse_picture
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.overlaps import squares_in
from terramamba.data.pairs.scorable import first_values


def look_at(pair: PairFiles) -> None:
    """Read what will be asked of the pixels of ``pair``, if it can be read."""
    with suppress(InputError):
        coarse_picture(pair)
        squares_in(pair)
        if pair.label is not None and not pair.is_drawn:
            pair.label_facts()
            if pair.split != "train":  # one training pair that can be scored is enough
                first_values(pair)
