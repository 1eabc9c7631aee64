"""Lists as a file: CSV that opens in a spreadsheet in the right script and without running a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse

BOM = "\ufeff"  # without it Excel reads UTF-8 as the local code page
# What a spreadsheet takes for the beginning of a formula, also in full width.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_SPLITS = re.compile(r"""([;\r\n])(?=[\s"]*[=+\-@＝＋－＠])""")


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, line: str) -> str:
        return line


def as_text(value: str) -> str:
    """The cell a spreadsheet shows as it is: an apostrophe stands before what it would take for a formula.

    Also inside: one that splits at semicolons reads what follows one as a cell of its own, whatever the quotes say.
    """
    value = _SPLITS.sub(r"\1'", value)
    return f"'{value}" if value.lstrip(" ").startswith(_FORMULA) else value


def download(name: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> StreamingHttpResponse:
    """A file `name` of these rows, read as they are sent; every cell is `as_text`."""
    response = StreamingHttpResponse(_lines(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    write = csv.writer(_Echo()).writerow
    yield BOM + write(header)
    for row in rows:
        yield write([as_text(cell) for cell in row])
