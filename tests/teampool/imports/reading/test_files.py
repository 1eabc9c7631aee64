"""Texts out of files and ZIPs: within bounds, and every file that is not read is named."""

from __future__ import annotations

import io
import stat
import struct
import tracemalloc
import zipfile
import zlib

import pytest

from teampool.imports.reading import files
from teampool.imports.reading.files import NotText, Text, TooManyFiles, TooMuch, decode, read_files

MEGABYTE = 1024 * 1024


def a_zip(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data, compress_type=method)
    return made.getvalue()


def read(*given: tuple[str, bytes]) -> list[Text]:
    return list(read_files(given))


def problem_of(name: str, data: bytes) -> str:
    (one,) = read((name, data))
    assert one.text == ""
    return one.problem


class TestDecode:
    @pytest.mark.parametrize(
        "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "gbk"]
    )
    def test_it_reads_what_editors_save(self, encoding):
        text = "# 账号\nomar@example.com,eyJhbGciOiJub25lIn0.e30.c2ln\n"
        assert decode(text.encode(encoding)) == text

    def test_nothing_is_an_empty_text(self):
        assert decode(b"") == decode(b"\xef\xbb\xbf") == ""

    @pytest.mark.parametrize(
        "data",
        [
            bytes(range(256)),
            b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8,
            b"\xff\xfe\x00\xd8",  # half a character of UTF-16
            b"abc\xff\xff\xffdef",
            zlib.compress(b"omar@example.com" * 500),
        ],
    )
    def test_what_is_no_text_is_refused(self, data):
        with pytest.raises(NotText):
            decode(data)


class TestSeveralFiles:
    def test_each_keeps_its_name(self):
        assert read(("a.json", b"{}"), ("b.txt", b"x")) == [Text("a.json", "{}"), Text("b.txt", "x")]

    @pytest.mark.parametrize(
        ("name", "data", "problem"),
        [
            ("a.xlsx", a_zip(("[Content_Types].xml", b""), ("xl/workbook.xml", b"")), files.SHEET),
            ("renamed.csv", a_zip(("xl/workbook.xml", b"")), files.SHEET),
            ("a.numbers", a_zip(("Index/Document.iwa", b"")), files.SHEET),
            ("a.ods", a_zip(("content.xml", b"")), files.SHEET),
            ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), files.SHEET),
            ("a.rar", b"Rar!\x1a\x07" + b"x" * 99, files.ARCHIVE),
            ("renamed.txt", b"7z\xbc\xaf\x27\x1c" + b"x" * 99, files.ARCHIVE),
            ("a.tar.gz", b"\x1f\x8b" + b"x" * 99, files.ARCHIVE),
            ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), files.NOT_TEXT),
            ("large.txt", b"a" * (5 * MEGABYTE + 1), files.TOO_LARGE),
            ("a.zip", b"PK\x03\x04" + b"x" * 99, files.BROKEN),
            ("a.zip", a_zip(("a.txt", b"x" * 999))[:-30], files.BROKEN),
            ("a.zip", a_zip(), files.ARCHIVE),
        ],
        # Not by the data: an archive holds the time it was made at.
        ids=["xlsx", "csv", "numbers", "ods", "xls", "rar", "7z", "gz", "png", "large", "torn", "cut", "empty"],
    )
    def test_one_that_cannot_be_read_is_named_beside_the_others(self, name, data, problem):
        good = ("good.txt", b"x")
        assert read(good, (name, data), good) == [
            Text("good.txt", "x"),
            Text(name, problem=problem),
            Text("good.txt", "x"),
        ]

    def test_more_than_20_megabytes_in_all_are_refused(self):
        four = [(f"{n}.txt", b"a" * (5 * MEGABYTE)) for n in range(4)]
        assert len(read(*four)) == 4
        with pytest.raises(TooMuch):
            read(*four, ("one.txt", b"a"))

    def test_more_than_2000_are_refused(self):
        assert len(read(*[("a.txt", b"")] * 2000)) == 2000
        with pytest.raises(TooManyFiles):
            read(*[("a.txt", b"")] * 2001)


class TestZip:
    def test_its_files_are_read_by_their_names(self):
        packed = a_zip(("a.json", b"{}"), ("more/", b""), ("more/b.csv", "账号".encode("gbk")))
        assert read(("x.zip", packed)) == [Text("a.json", "{}"), Text("more/b.csv", "账号")]

    def test_stored_is_as_good_as_deflated(self):
        assert read(("x.zip", a_zip(("a", b"x"), method=zipfile.ZIP_STORED))) == [Text("a", "x")]

    @pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_other_methods_are_refused_by_name(self, method):
        assert read(("x.zip", a_zip(("a.txt", b"x" * 999), method=method))) == [Text("a.txt", problem=files.BROKEN)]

    @pytest.mark.parametrize("name", ["in.zip", "in.txt"])
    def test_an_archive_inside_is_refused_by_name(self, name):
        packed = a_zip((name, a_zip(("a.txt", b"x"))), ("b.txt", b"y"))
        assert read(("x.zip", packed)) == [Text(name, problem=files.ARCHIVE), Text("b.txt", "y")]

    def test_a_sheet_inside_is_refused_by_name(self):
        packed = a_zip(("a.xlsx", a_zip(("xl/workbook.xml", b""))), ("b.txt", b"y"))
        assert read(("x.zip", packed)) == [Text("a.xlsx", problem=files.SHEET), Text("b.txt", "y")]

    @pytest.mark.parametrize("name", ["../a", "a/../../b", "/etc/passwd", "C:/a", "C:\\a", "..\\..\\a"])
    def test_no_path_leads_out(self, name):
        (one,) = read(("x.zip", a_zip((name, b"x"))))
        assert (one.problem, one.text) == (files.OUTSIDE, "")

    def test_a_link_is_not_followed(self):
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        assert read(("x.zip", a_zip((link, b"/etc/passwd")))) == [Text("link.txt", problem=files.LINK)]

    def test_a_password_is_told(self):
        packed = bytearray(a_zip(("a.txt", b"x")))
        for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            packed[packed.index(mark) + offset] |= 1
        assert read(("x.zip", bytes(packed))) == [Text("a.txt", problem=files.ENCRYPTED)]

    def test_a_damaged_entry_is_named(self):
        packed = a_zip(("a.txt", b"x" * 99), ("b.txt", b"y"), method=zipfile.ZIP_STORED).replace(b"xxx", b"xzx", 1)
        assert read(("x.zip", packed)) == [Text("a.txt", problem=files.BROKEN), Text("b.txt", "y")]

    def test_what_systems_put_beside_the_files_is_left_out(self):
        litter = [("__MACOSX/._a.txt", b"\0\5\x16\7"), (".DS_Store", b"\0"), ("d/._a.txt", b"\0"), ("Thumbs.db", b"\0")]
        assert read(("x.zip", a_zip(("a.txt", b"x"), *litter))) == [Text("a.txt", "x")]
        assert read(("x.zip", a_zip(*litter))) == [Text("x.zip", problem=files.EMPTY)]

    @pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
    def test_names_in_the_code_page_of_windows_are_read(self, encoding):
        shown = "账号一.txt".encode(encoding)
        packed = a_zip(("N" * len(shown), b"x")).replace(b"N" * len(shown), shown)
        assert read(("x.zip", packed)) == [Text("账号一.txt", "x")]

    @pytest.mark.parametrize("name", ["a\u202egnp.txt", "a\nb.txt", "a\x1b[31m.txt", "a\u200b.txt"])
    def test_names_are_shown_on_one_line(self, name):
        assert read((name, b"x"))[0].name.isprintable()
        assert read(("x.zip", a_zip((name, b"x"))))[0].name.isprintable()


class TestBombs:
    def test_a_declared_one_is_refused_unread(self):
        packed = a_zip(("bomb.txt", bytes(50 * MEGABYTE)), ("b.txt", b"y"))
        assert len(packed) < MEGABYTE
        tracemalloc.start()
        assert read(("x.zip", packed)) == [Text("bomb.txt", problem=files.TOO_LARGE), Text("b.txt", "y")]
        assert tracemalloc.get_traced_memory()[1] < 10 * MEGABYTE
        tracemalloc.stop()

    def test_one_that_lies_about_its_size_is_read_no_further(self):
        packed = bytearray(a_zip(("bomb.txt", b"a" * (50 * MEGABYTE))))
        struct.pack_into("<I", packed, packed.index(b"PK\x01\x02") + 24, 1000)
        struct.pack_into("<I", packed, packed.index(b"PK\x03\x04") + 22, 1000)
        tracemalloc.start()
        assert read(("x.zip", bytes(packed))) == [Text("bomb.txt", problem=files.BROKEN)]
        assert tracemalloc.get_traced_memory()[1] < 10 * MEGABYTE
        tracemalloc.stop()

    def test_many_files_that_are_large_together_are_refused(self):
        packed = a_zip(*((f"{n}.txt", b"a" * (4 * MEGABYTE)) for n in range(6)))
        with pytest.raises(TooMuch):
            read(("x.zip", packed))

    def test_more_than_2000_entries_are_refused_before_they_are_listed(self):
        with pytest.raises(TooManyFiles):
            read(("x.zip", a_zip(*((f"{n}", b"") for n in range(2001)))))

    def test_files_beside_the_zip_count_too(self):
        with pytest.raises(TooManyFiles):
            read(("a.txt", b""), ("x.zip", a_zip(*((f"{n}", b"") for n in range(2000)))))
