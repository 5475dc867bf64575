"""Facts about the files of pairs, each read once however many windows it serves."""

from collections.abc import Callable
from typing import TypeVar, cast

from terramamba.data.pairs.same_file import file_key, same_content_key, size_key
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene

Known = TypeVar("Known")
Key = tuple[object, ...]

MOST = 200_000
"""Facts that are kept: some hundred MB. Further ones are computed whenever they are needed."""


class FileFacts:
    """Facts about files that do not change while it is there: one for the pairs that were found together.

    A copy that goes to another process knows nothing yet.
    """

    def __init__(self) -> None:
        self._known: dict[Key, object] = {}

    def __reduce__(self) -> tuple[type["FileFacts"], tuple[()]]:
        return FileFacts, ()

    def scene(self, path: str) -> Scene:
        """Open the image in ``path``."""
        return self.once(("scene", path), lambda: open_scene(path))

    def file(self, path: str) -> Key:
        """Return ``same_file.file_key`` of ``path``."""
        return self.once(("file", path), lambda: file_key(path))

    def size(self, path: str) -> Key:
        """Return ``same_file.size_key`` of ``path``."""
        return self.once(("size", path), lambda: size_key(path))

    def content(self, path: str) -> Key:
        """Return ``same_file.same_content_key`` of ``path``."""
        return self.once(("content", path), lambda: same_content_key(path))

    def once(self, key: Key, compute: Callable[[], Known]) -> Known:
        """Return the fact called ``key``, which ``compute`` is called for the first time only."""
        if key in self._known:
            return cast(Known, self._known[key])
        fact = compute()
        if len(self._known) < MOST:
            self._known[key] = fact
        return fact
