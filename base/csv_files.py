"""CSV downloads that a spreadsheet opens in the right encoding and without running formulas."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse

BOM = "\ufeff"  # without it Excel reads UTF-8 as the local code page
# A cell that begins like this is a formula to a spreadsheet, full-width signs included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_SPLITS = re.compile(r"""([;\r\n])(?=[\s"]*[=+\-@＝＋－＠])""")


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, line: str) -> str:
        return line


def as_text(value: str) -> str:
    """The value as a plain cell: an apostrophe goes before whatever a spreadsheet would run as a formula.

    Also after a semicolon or line break: some spreadsheets start a new cell there, even inside quotes.
    """
    value = _SPLITS.sub(r"\1'", value)
    return f"'{value}" if value.lstrip(" ").startswith(_FORMULA) else value


def download(name: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> StreamingHttpResponse:
    """A file `name` with these rows, streamed; every cell passes `as_text`."""
    response = StreamingHttpResponse(_lines(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    write = csv.writer(_Echo()).writerow
    yield BOM + write(header)
    for row in rows:
        yield write([as_text(cell) for cell in row])
