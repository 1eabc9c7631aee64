"""Texts out of files: several at once, and ZIPs of them. Pure: everything happens in memory, within bounds.

A file that cannot be read is named with a problem; the others go on. Nothing of an archive is written anywhere.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import Final

MOST_BYTES: Final = 5 * 1024 * 1024  # of one file, unpacked or not
MOST_UNPACKED: Final = 20 * 1024 * 1024  # of all files together
MOST_FILES: Final = 2_000

# Why a file was not read.
TOO_LARGE: Final = "file_too_large"
SHEET: Final = "file_sheet"
ARCHIVE: Final = "file_archive"
ENCRYPTED: Final = "file_encrypted"
LINK: Final = "file_link"
OUTSIDE: Final = "file_outside"
BROKEN: Final = "file_broken"
NOT_TEXT: Final = "file_not_text"
EMPTY: Final = "file_empty"
PROBLEMS = frozenset({TOO_LARGE, SHEET, ARCHIVE, ENCRYPTED, LINK, OUTSIDE, BROKEN, NOT_TEXT, EMPTY})

_SHEETS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".numbers", ".ods", ".et")
_ARCHIVES = (".zip", ".rar", ".7z", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".zst")
_PK = b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PACKED = (_PK, b"PK\x05\x06", b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
_IN_A_SHEET = ("xl/workbook.xml", "xl/workbook.bin", "Index/Document.iwa", "Index.zip", "content.xml")
_DIRECTORY_ENTRY = b"PK\x01\x02"
_IS_ENCRYPTED, _IS_UTF_8 = 0x1, 0x800
# Others need memory that the archive chooses.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CONTROL = bytes({*range(32), 127} - {*b"\t\n\r\f\x1a\x1b"})
_CANNOT_UNPACK = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, NotImplementedError)


@dataclass(frozen=True, slots=True)
class Text:
    """The text of one file, or why it was not read (`problem`)."""

    name: str
    text: str = ""
    problem: str = ""


class TooManyFiles(ValueError):
    """More than `MOST_FILES` files in all."""


class TooMuch(ValueError):
    """More than `MOST_UNPACKED` bytes in all, unpacked."""


class NotText(ValueError):
    """Bytes in no encoding that text files have."""


def read_files(files: Iterable[tuple[str, bytes]]) -> Iterator[Text]:
    """The text of each file and of each file inside a ZIP, one at a time. Raises TooManyFiles and TooMuch."""
    budget = _Budget()
    for name, data in files:
        shown = _shown(name)
        if len(data) > MOST_BYTES:
            budget.take(0)
            yield Text(shown, problem=TOO_LARGE)
        elif data.startswith(_PK) and not shown.lower().endswith(_SHEETS):
            yield from _unpack(shown, data, budget)
        else:
            budget.take(len(data))
            yield _read(shown, data)


def decode(data: bytes) -> str:
    """The text of a file in UTF-8, UTF-16, UTF-32 or GB 18030. Raises NotText."""
    try:
        if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
            return data.decode("utf-32")
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16")
        if wide := _wide(data):
            return data.decode(wide)
        if len(data) - len(data.translate(None, _CONTROL)) > len(data) // 100:
            raise NotText
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data.decode("gb18030")
    except UnicodeDecodeError:
        raise NotText from None


class _Budget:
    """What is left of the bounds of one import."""

    def __init__(self) -> None:
        self.files, self.size = 0, 0

    def take(self, size: int) -> None:
        self.files += 1
        self.size += size
        if self.files > MOST_FILES:
            raise TooManyFiles
        if self.size > MOST_UNPACKED:
            raise TooMuch


def _unpack(name: str, data: bytes, budget: _Budget) -> Iterator[Text]:
    # Counted before they are listed: a list of 100,000 entries takes more memory than the archive.
    if data.count(_DIRECTORY_ENTRY) > MOST_FILES:
        raise TooManyFiles
    try:
        archive = zipfile.ZipFile(BytesIO(data))
    except _CANNOT_UNPACK:
        budget.take(0)
        yield Text(name, problem=BROKEN)
        return
    with archive:
        names = {info.filename for info in archive.infolist()}
        if not names.isdisjoint(_IN_A_SHEET):
            budget.take(0)
            yield Text(name, problem=SHEET)
            return
        is_empty = True
        for info in archive.infolist():
            inside = _name(info)
            if info.is_dir() or _is_litter(inside):
                continue
            is_empty = False
            yield _read_entry(archive, info, inside, budget)
        if is_empty:
            budget.take(0)
            yield Text(name, problem=EMPTY)


def _read_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, inside: str, budget: _Budget) -> Text:
    shown = _shown(inside)
    if inside.startswith("/") or inside[1:2] == ":" or ".." in inside.split("/"):
        problem = OUTSIDE
    elif stat.S_ISLNK(info.external_attr >> 16):
        problem = LINK
    elif info.flag_bits & _IS_ENCRYPTED:
        problem = ENCRYPTED
    elif info.file_size > MOST_BYTES:
        problem = TOO_LARGE
    elif info.compress_type not in _METHODS:
        problem = BROKEN
    else:
        # The declared size is taken first, the real one is never more: reading ends there.
        budget.take(info.file_size)
        try:
            with archive.open(info) as file:
                data = file.read(info.file_size)
        except _CANNOT_UNPACK:
            return Text(shown, problem=BROKEN)
        return _read(shown, data)
    budget.take(0)
    return Text(shown, problem=problem)


def _read(name: str, data: bytes) -> Text:
    kind = PurePosixPath(name.lower()).suffix
    if kind in _SHEETS or data.startswith(_OLD_OFFICE):
        return Text(name, problem=SHEET)
    if kind in _ARCHIVES or data.startswith(_PACKED):
        return Text(name, problem=ARCHIVE)
    try:
        return Text(name, decode(data))
    except NotText:
        return Text(name, problem=NOT_TEXT)


def _wide(data: bytes) -> str:
    """The UTF-16 of a text without a mark: of its first characters, every other byte is nearly always 0."""
    head = data[:4096]
    pairs = len(head) // 2
    if pairs < 4 or not head.count(0) * 10 > pairs * 6 or len(data) % 2:
        return ""
    high, low = head[1::2].count(0), head[::2].count(0)
    if min(high, low) * 10 > pairs:
        return ""
    return "utf-16-le" if high > low else "utf-16-be"


def _name(info: zipfile.ZipInfo) -> str:
    """The path of an entry. Without the UTF-8 mark it is in the code page of whoever made the archive."""
    name = info.filename
    if not info.flag_bits & _IS_UTF_8:
        raw = name.encode("cp437", "replace")
        for encoding in ("utf-8", "gb18030"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return name.replace("\\", "/")


def _is_litter(path: str) -> bool:
    """True for what systems put beside the files: `__MACOSX/`, `.DS_Store`, `Thumbs.db`."""
    name = path.rpartition("/")[2]
    return path.startswith("__MACOSX/") or name.startswith("._") or name in (".DS_Store", "Thumbs.db", "desktop.ini")


def _shown(name: str) -> str:
    """A name as it can be shown on one line."""
    return "".join(mark if mark.isprintable() else "\ufffd" for mark in name.strip())
