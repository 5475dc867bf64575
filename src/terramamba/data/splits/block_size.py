"""The side of square blocks, as ``--block-size`` says it."""

import re
from dataclasses import dataclass

WRITTEN = re.compile(r"(\d+(?:\.\d+)?|\.\d+) ?(px|m|km)?")


@dataclass(frozen=True)
class BlockSize:
    """The side of a block: ``length`` in ``unit``, pixels ("px") or metres on the ground ("m")."""

    length: float
    unit: str

    @classmethod
    def parse(cls, text: str) -> "BlockSize | None":
        """Read "50" or "50px" (pixels), "500m" or "1.5km"; None where ``text`` is no such length above 0.

        >>> str(BlockSize.parse("0.5km")), str(BlockSize.parse("50")), BlockSize.parse("50 acres")
        ('500m', '50px', None)
        """
        match = WRITTEN.fullmatch(text.strip().lower())
        if match is None or float(match[1]) == 0:
            return None
        unit = match[2] or "px"
        return cls(float(match[1]) * 1000, "m") if unit == "km" else cls(float(match[1]), unit)

    def __str__(self) -> str:
        return f"{self.length:.10g}{self.unit}"
