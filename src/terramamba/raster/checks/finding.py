"""What is found of two dates whose values cannot be compared."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something that makes two dates incomparable: its ``kind`` in short, and a sentence with the remedy."""

    kind: str
    text: str
