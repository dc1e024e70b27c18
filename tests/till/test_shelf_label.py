from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.drivers.label.tspl_format import render as tspl
from gateway.drivers.label.zpl_format import render as zpl
from gateway.errors import ConfigError
from gateway.peripherals import LabelBarCode, LabelText, Symbology
from gateway.till.paper.shelf_label import NetContent, ShelfArticle, shelf_label, symbol, unit_price
from gateway.till.paper.shelf_label_template import Template, read, templates
from retail.units import Money

MUESLI = ShelfArticle(
    "Müsli Crunchy",
    Money(349, "EUR"),
    barcode="4006381333931",
    net_content=NetContent(750, "g"),
    tax_note="incl. 7 % VAT",
    date=date(2026, 11, 22),
)


def texts(article: ShelfArticle, locale: str = "en", per: int = 1000) -> list[str]:
    label = shelf_label(article, templates()["60x40"], locale, per)
    return [element.text.replace("\xa0", " ") for element in label.elements if isinstance(element, LabelText)]


def test_a_label_says_what_the_law_wants_in_the_shop_s_language() -> None:
    assert texts(MUESLI) == ["Müsli Crunchy", "750 g", "€3.49", "1 kg = €4.65", "incl. 7 % VAT", "11/22/26"]
    assert texts(MUESLI, "de")[2:4] == ["3,49 €", "1 kg = 4,65 €"]
    assert texts(MUESLI, "de", per=100)[3] == "100 g = 0,47 €"
    rice = ShelfArticle("白米", Money(185, "TWD"), net_content=NetContent(2500, "g"), barcode="4711234567899")
    assert texts(rice, "zh-TW") == ["白米", "2.5 kg", "$185", "1 kg = $74"]


def test_what_is_weighed_shows_its_price_for_a_kilogram() -> None:
    assert texts(ShelfArticle("Apples", Money(299, "EUR"), sold_by="kg")) == ["Apples", "€2.99", "1 kg"]


def test_an_element_without_its_words_is_left_out() -> None:
    plain = shelf_label(ShelfArticle("Gift card", Money(2500, "EUR")), templates()["60x40"])
    assert not [element for element in plain.elements if isinstance(element, LabelBarCode)]
    assert texts(ShelfArticle("Gift card", Money(2500, "EUR"))) == ["Gift card", "€25.00"]


@given(st.integers(1, 100_000), st.integers(1, 20_000), st.sampled_from([100, 1000]))
def test_unit_prices_are_exact_half_up(minor: int, grams: int, per: int) -> None:
    shown = unit_price(Money(minor, "EUR"), NetContent(grams, "g"), per).minor
    assert -grams < 2 * (shown * grams - minor * per) <= grams


@pytest.mark.parametrize(
    ("code", "data", "symbology"),
    [
        ("4006381333931", "4006381333931", "EAN13"),
        ("96385074", "96385074", "EAN8"),
        ("36000291452", "0036000291452", "EAN13"),  # a UPC-A without its zeros
        ("14006381333938", "14006381333938", "ITF"),
        ("4006381333930", "4006381333930", "CODE128"),  # not a GTIN: its check digit is wrong
        ("20177", "20177", "CODE128"),
        ("AB-12", "AB-12", "CODE128"),
    ],
)
def test_a_code_gets_the_symbol_that_fits_it(code: str, data: str, symbology: Symbology) -> None:
    assert symbol(code) == (data, symbology)


@pytest.mark.parametrize("name", ["38x25", "50x30", "60x40"])
def test_every_built_in_template_prints_in_both_languages(name: str) -> None:
    label = shelf_label(MUESLI, templates()[name], "de")
    for dpi in (203, 300, 600):
        assert b"400638133393" in zpl((label,), 1, dpi, "0")
        assert b"400638133393" in tspl((label,), 1, dpi, "1252", "none")
    for element in label.elements:
        if isinstance(element, LabelText):
            assert element.x + (element.width or 0) <= label.width
            assert element.y + element.height <= label.height
        if isinstance(element, LabelBarCode):
            # 95 modules and the digits below
            assert element.x + 95 * element.module <= label.width
            assert element.y + element.height + 25 <= label.height


def test_the_shop_s_own_template_wins_by_its_name(tmp_path: Path) -> None:
    own = 'width = 300\nheight = 200\n[[element]]\nkind = "text"\nx = 1\ny = 2\ntext = "now {price}"\n'
    (tmp_path / "60x40.toml").write_text(own, encoding="utf-8")
    found = templates(tmp_path)
    assert set(found) == {"38x25", "50x30", "60x40"}
    assert found["60x40"].width == 300
    label = shelf_label(MUESLI, found["60x40"])
    assert label.elements == (LabelText(1, 2, "now €3.49"),)
    assert label.gap == 30


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("width = 300", "height is missing"),
        ("width = 300\nheight = 200\ncolour = 1", "unknown 'colour'"),
        ("width = 0\nheight = 200", "width is a whole number"),
        ("width = true\nheight = 200", "width is a whole number"),
        ("widht = [", "Invalid value"),
        ('[[element]]\nkind = "picture"', "kind 'picture' is none of"),
        ('[[element]]\nkind = "text"\nx = 1\ny = 1', "text is missing"),
        ('[[element]]\nkind = "text"\nx = 1\ny = 1\ntext = "x"\nheigth = 3', "did you mean 'height'"),
        ('[[element]]\nkind = "text"\nx = 301\ny = 1\ntext = "x"', "outside of the label"),
        ('[[element]]\nkind = "text"\nx = 1\ny = 1\ntext = "{prize}"', "did you mean {price}"),
        ('[[element]]\nkind = "text"\nx = 1\ny = 1\ntext = "{price!r}"', "a name in braces"),
        ('[[element]]\nkind = "text"\nx = 1\ny = 1\ntext = "{price.minor}"', "unknown placeholder"),
        ('[[element]]\nkind = "text"\nx = 1\ny = 1\ntext = "{"', "written twice"),
        ('[[element]]\nkind = "text"\nx = 1\ny = 1\ntext = 5', "quotation marks"),
        ('[[element]]\nkind = "text"\nx = 1\ny = 1\ntext = "x"\nbold = 1', "true or false"),
        ('[[element]]\nkind = "text"\nx = 1\ny = 1\ntext = "x"\nalign = "middle"', "align 'middle'"),
    ],
)
def test_a_mistake_in_a_template_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(
        text if "width" in text or "widht" in text else f"width = 300\nheight = 200\n{text}", encoding="utf-8"
    )
    with pytest.raises(ConfigError, match=complaint) as told:
        read(path)
    assert "own.toml" in str(told.value)


def test_a_net_content_of_nothing_is_no_net_content() -> None:
    with pytest.raises(ValueError, match="0 g"):
        NetContent(0, "g")


def test_templates_are_plain_data() -> None:
    assert all(isinstance(template, Template) for template in templates().values())
