"""Layouts of variable-measure EAN-13: configuration errors name the row; the country table holds only what is sure."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest

from retail.barcode import Layout, LayoutError, Layouts, UnknownLayout

ROW = {"prefix": "28", "pattern": "IIIIIWWWWW", "decimals": 3}
TABLE = json.loads(resources.files("retail").joinpath("rcn_layouts.json").read_text("utf-8"))["countries"]


def test_rows_of_a_configuration() -> None:
    layouts = Layouts.parse([ROW, {"prefix": "25", "pattern": "IIIIINNNNN"}])
    assert layouts.rows == (Layout("28", "IIIIIWWWWW", 3), Layout("25", "IIIIINNNNN"))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"pattern": "IIIIWWWWW"}, "10 of"),
        ({"pattern": "IIIIIXWWWW"}, "10 of"),
        ({"pattern": "IIIIIIIIII"}, "measure"),
        ({"pattern": "IIIPPWWWWW"}, "one kind of measure"),
        ({"pattern": "00000WWWWW"}, "no item number"),
        ({"pattern": "IIIVWWWWWW"}, "verifier"),
        ({"pattern": "IIIVVWWWWW"}, "verifier"),
        ({"prefix": "40"}, "02 or 20 to 29"),
        ({"prefix": 28}, "texts"),
        ({"decimals": 4}, "0 to 3"),
        ({"decimals": -1}, "0 to 3"),
        ({"decimals": 2.0}, "whole number"),
        ({"decimals": None}, "say decimals"),
        ({"pattern": "IIIIINNNNN", "decimals": 1}, "N has 0 to 0"),
        ({"code_prefix": "a b"}, "code_prefix"),
        ({"price": 1}, "unknown key 'price'"),
    ],
)
def test_a_wrong_row_is_named_by_its_place(change: dict[str, Any], word: str) -> None:
    with pytest.raises(LayoutError, match="layout 2") as caught:
        Layouts.parse([{"prefix": "20", "pattern": "IIIIIPPPPP", "decimals": 2}, {**ROW, **change}])
    assert word in str(caught.value)


def test_two_rows_that_read_the_same_codes_are_refused() -> None:
    with pytest.raises(LayoutError, match="same codes"):
        Layouts.parse([ROW, {"prefix": "28", "pattern": "0IIIIWWWWW", "decimals": 3}])
    Layouts.parse([{**ROW, "pattern": "1IIIIWWWWW"}, {**ROW, "pattern": "0IIIIWWWWW"}])


@pytest.mark.parametrize("code", sorted(TABLE))
def test_every_country_of_the_table_makes_layouts(code: str) -> None:
    assert len(Layouts.of_country(code.lower()).rows) == len(TABLE[code])


def test_a_country_outside_the_table_is_an_error_of_its_own() -> None:
    with pytest.raises(UnknownLayout, match="'ZZ'"):
        Layouts.of_country("ZZ")


def test_the_table_agrees_with_biips_rules_where_both_know_a_prefix() -> None:
    from biip.rcn import _RCN_RULES

    compared = 0
    for region, rules in _RCN_RULES.items():
        for row in Layouts.of_country(region.value).rows:
            rule = rules.get(row.prefix)
            if rule is not None and row.decimals is not None:
                assert (row.measure, row.decimals) == (rule.measure_type.name[0].replace("C", "N"), rule.num_decimals)
                compared += 1
    assert compared >= 20
