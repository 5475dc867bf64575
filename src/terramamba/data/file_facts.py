"""What is known of the files of pairs, each of which is looked at once however many windows it serves."""

from collections.abc import Callable
from typing import TypeVar, cast

from terramamba.data.pairs.change_masks import mask_values
from terramamba.data.pairs.same_file import file_key, same_content_key, size_key
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene

Known = TypeVar("Known")
Key = tuple[object, ...]

MOST = 200_000
"""Facts that are kept: some hundred MB. What is asked beyond is looked up whenever it is asked."""


class FileFacts:
    """Facts about files that do not change while it is there: one for the pairs that were found together.

    A copy that goes to another process knows nothing yet.
    """

    def __init__(self) -> None:
        self._known: dict[Key, object] = {}

    def __reduce__(self) -> tuple[type["FileFacts"], tuple[()]]:
        return FileFacts, ()

    def scene(self, path: str) -> Scene:
        """The image in ``path``, open."""
        return self.once(("scene", path), lambda: open_scene(path))

    def mask_values(self, path: str) -> frozenset[float]:
        """The different values in a change mask, which takes reading it."""
        return self.once(("values", path), lambda: mask_values(self.scene(path)))

    def file(self, path: str) -> Key:
        """As ``identity.file_key``."""
        return self.once(("file", path), lambda: file_key(path))

    def size(self, path: str) -> Key:
        """As ``identity.size_key``."""
        return self.once(("size", path), lambda: size_key(path))

    def content(self, path: str) -> Key:
        """As ``identity.same_content_key``."""
        return self.once(("content", path), lambda: same_content_key(path))

    def once(self, what: Key, look: Callable[[], Known]) -> Known:
        """What ``look`` finds, which is asked the first time only that somebody wants to know ``what``."""
        if what in self._known:
            return cast(Known, self._known[what])
        found = look()
        if len(self._known) < MOST:
            self._known[what] = found
        return found
