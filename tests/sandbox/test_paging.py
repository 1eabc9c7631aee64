"""Number 25 of upstream §16.4: lists that cannot be paged honestly."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["members", "invites"])
def pages(request, omar):
    """Read a list of seven rows by pages of three, until it is over or twenty pages were read."""
    op = request.param
    omar.world.set_workspace(omar.account_id, seats_entitled=30)
    for number in range(7 if op == "invites" else 6):
        if op == "invites":
            omar.world.invite_from_web(omar.account_id, f"p{number}@example.net")
        else:
            omar.world.member(omar.account_id, f"p{number}@example.net")

    def read(preset=None, limit=3):
        if preset:
            omar.world.fault(op, preset)
        found, offset = [], 0
        while len(found) < 20:
            page = getattr(omar, op)(f"?offset={offset}&limit={limit}").data
            found.append(page)
            offset += limit
            if offset >= page.get("total", 7):
                break
        return found

    return read


def ids(found):
    return [row["id"] for page in found for row in page["items"]]


class TestPage:
    def test_it_is_honest_by_default(self, pages):
        found = pages()
        assert [len(page["items"]) for page in found] == [3, 3, 1]
        assert len(set(ids(found))) == 7
        assert {page["total"] for page in found} == {7}

    def test_its_total_may_grow_between_pages(self, pages):
        assert [page["total"] for page in pages("page_total_grows")][:3] == [7, 8, 9]

    def test_a_row_may_come_twice(self, pages):
        found = ids(pages("page_duplicate"))
        assert len(found) > len(set(found))

    def test_a_row_may_be_missing(self, pages):
        found = ids(pages("page_gap"))
        assert len(set(found)) < 7

    def test_a_page_may_be_empty_before_the_end(self, pages):
        found = pages("page_empty")
        assert [len(page["items"]) for page in found] == [3, 0, 0]
        assert found[1]["total"] == 7

    def test_there_may_be_more_rows_than_the_total(self, pages):
        found = pages("page_more_than_total", limit=100)
        assert len(ids(found)) == 7
        assert found[0]["total"] == 6

    def test_it_may_clamp_the_limit(self, pages):
        found = pages("page_clamp")
        assert {page["limit"] for page in found} == {2}
        assert len(found[0]["items"]) == 2

    def test_its_total_may_be_missing(self, pages):
        assert all("total" not in page for page in pages("page_no_total"))

    @pytest.mark.parametrize(("preset", "different"), [("page_endless", 60), ("page_endless_repeat", 7)])
    def test_it_may_never_end(self, pages, preset, different):
        found = pages(preset)
        assert len(found) == 20
        assert len(set(ids(found))) == different
