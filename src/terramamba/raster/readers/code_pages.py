"""The code page of text in files that need not say which: tables of dBase, as of shapefiles.

A file beside the table may name it (``.cpg``), a mark in its header may, and the text itself shows some. What
was taken for granted is said with a word of the text, so that a wrong guess is seen.
"""

import codecs
import re
from dataclasses import dataclass

DOS = {
    0x01: "cp437",
    0x02: "cp850",
    0x08: "cp865",
    0x09: "cp437",
    0x0A: "cp850",
    0x0B: "cp437",
    0x0D: "cp437",
    0x0E: "cp850",
    0x1F: "cp852",
    0x23: "cp852",
    0x24: "cp860",
    0x26: "cp866",
    0x40: "cp852",
    0x64: "cp852",
    0x65: "cp866",
    0x66: "cp865",
    0x67: "cp861",
    0x6A: "cp737",
    0x6B: "cp857",
}
WINDOWS = {
    0x13: "cp932",
    0x4D: "cp936",
    0x4E: "cp949",
    0x4F: "cp950",
    0x50: "cp874",
    0x78: "cp950",
    0x79: "cp949",
    0x7A: "cp936",
    0x7B: "cp932",
    0x7C: "cp874",
    0x7D: "cp1255",
    0x7E: "cp1256",
    0xC8: "cp1250",
    0xC9: "cp1251",
    0xCA: "cp1254",
    0xCB: "cp1253",
    0xCC: "cp1257",
}
"""By the mark in the header of a table. 0x03 and 0x57 say "ANSI", which is another page on each machine."""
LATIN = "cp1252"
GUESSES = (LATIN, "cp850", "cp437")
"""In this order, the first in which the text is words."""
UTF8 = "utf-8"
NAMES_OF_PAGES = {"utf8": UTF8, "65001": UTF8, "88591": "latin-1", "iso88591": "latin-1"}
OPENING = "“‘„«¿¡–—’‚‹°§±×"
"""Signs that may stand before a letter."""
_WORD = re.compile(r"[^\s\0]*[^\0-\x7f][^\s\0]*")


@dataclass(frozen=True)
class CodePage:
    """A code page by Python's name for it, and what was taken for granted about it."""

    name: str
    doubt: str | None = None


def code_page(text: bytes, mark: int = 0, named: str = "") -> CodePage:
    """Tell the code page of ``text`` from what a file ``.cpg`` says and the mark in the header of its table.

    Text in UTF-8 is hardly ever anything else, whatever is said of it.

    >>> code_page("Gehölz".encode("cp850")).name, code_page("Gehölz".encode("cp1252")).name
    ('cp850', 'cp1252')
    """
    if text.isascii():
        return CodePage(UTF8)
    said = _page_named(named)
    if said is not None and _many_bytes(said) and _holds(text, said):
        return CodePage(said)
    if _holds(text, UTF8):
        other = f"its text is UTF-8, though the file .cpg beside it says {named.strip()}"
        return CodePage(UTF8, None if said in (None, UTF8) else other)
    known = [page for page in (said, DOS.get(mark) or WINDOWS.get(mark)) if page is not None]
    for page in known:
        if _holds(text, page):
            wrong = f"its text is no {named.strip()}, which the file .cpg beside it says: read as {page}"
            return CodePage(page, None if page == known[0] else wrong)
    guess = next((page for page in GUESSES if _holds(text, page) and _words(text.decode(page))), "latin-1")
    word = _WORD.search(text.decode(guess, "replace"))
    shown = repr(word[0]) if word else "it"
    return CodePage(
        guess,
        f"nothing says in which code page its text is: read as {guess}, as in {shown}; where that is wrong, "
        "name the right one in a file .cpg beside it, such as UTF-8 or 1251",
    )


def _page_named(named: str) -> str | None:
    """What a file ``.cpg`` says, as Python calls it; None where that is nothing known."""
    plain = "".join(letter for letter in named.lower() if letter.isalnum())
    plain = plain.removeprefix("ansi").removeprefix("oem").removeprefix("ldid").removeprefix("windows")
    wanted = NAMES_OF_PAGES.get(plain) or (f"cp{plain}" if plain.isdecimal() else named.strip())
    try:
        return codecs.lookup(wanted).name
    except LookupError:
        return None


def _many_bytes(page: str) -> bool:
    """Tell whether a letter may take several bytes in ``page``."""
    try:
        return len(bytes(range(256)).decode(page, "replace")) != 256
    except (LookupError, UnicodeError):
        return True


def _holds(text: bytes, page: str) -> bool:
    try:
        text.decode(page)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _words(text: str) -> bool:
    """Tell whether all that is not ASCII in ``text`` stands as letters and signs do."""
    for place, letter in enumerate(text):
        if letter < "\x80" or letter.isalpha():
            continue
        before, after = text[place - 1 : place], text[place + 1 : place + 2]
        control = letter < "\xa0"
        inside = after.isalpha() and (before.isalpha() or letter not in OPENING)
        if letter != "’" and (control or inside):
            return False
    return True
