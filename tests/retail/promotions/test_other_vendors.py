"""Worked examples from other vendors' manuals and issue threads: their numbers, our rules.

Where a vendor offers a choice, the name of the test says which. Amounts are in hundredths.
"""

from __future__ import annotations

from tests.retail.promotions.shop import ALL, line, priced, prices, savings, shares

SELF = {"match": {"s": ALL}}


def buy_get(buy: int, get: int, percent: int = 100, **more: object) -> dict[str, object]:
    slots = [{"set": "s", "qty": buy}, {"set": "s", "qty": get}]
    return {"kind": "buy_get", **SELF, "slots": slots, "reward": {"percent": percent, "apply_to": "last"}, **more}


def test_microsoft_least_expensive_half_price_best_deal_and_favour_retailer() -> None:
    """learn.microsoft.com, archive/blogs/retaillife, "Mix and Match Discount II": 20, 30, 70, 80; 45 against 25 off."""
    lines = prices(2000, 3000, 7000, 8000)
    assert priced([buy_get(1, 1, 50)], lines).discount == 4500
    assert priced([buy_get(1, 1, 50, favour="shop")], lines).discount == 2500


def test_microsoft_keyboard_and_another_keyboard_or_mouse() -> None:
    """Same blog, "Mix and Match Discount I": sets overlap; 5 keyboards at 20, 3 mice at 10, cheaper at half."""
    rule = {
        "kind": "buy_get",
        "match": {"keyboard": {"items": ["K"]}, "any": {"items": ["K", "M"]}},
        "slots": [{"set": "keyboard"}, {"set": "any"}],
        "reward": {"percent": 50, "apply_to": "last"},
    }
    answer = priced([rule], [line("K", 2000, 5), line("M", 1000, 3)])
    assert savings(answer) == [1000, 1000, 500]  # two pairs of keyboards, the fifth with a mouse


def test_microsoft_compounding_of_two_percentages() -> None:
    """learn.microsoft.com/dynamics365/commerce: 10 % and 20 % on 100: 72 when compounded, 70 on the original price."""
    first = {"kind": "item_price", "match": ALL, "reward": {"percent": 10}}
    second = {"kind": "item_price", "lane": "line", "match": ALL, "reward": {"percent": 20}}
    assert priced([first, second], prices(10_000)).net == 7200
    assert priced([first, {**second, "basis": "gross"}], prices(10_000)).net == 7000


def test_equal_or_lesser_value_trips_from_the_dearest_or_discounts_the_cheapest() -> None:
    """A POS manual's FAVOURCUSTOMER option: 28, 25, 22 with buy 2: 25 is free, otherwise 22."""
    lines = prices(2800, 2500, 2200)
    assert priced([buy_get(1, 1)], lines).discount == 2500
    assert priced([buy_get(1, 1, favour="shop")], lines).discount == 2200


def test_dynamicweb_three_for_two_cheapest_or_dearest_free() -> None:
    """doc.dynamicweb.dev, "Example - 3 for 2": 100, 75, 50: pay 175; with the dearest free, 125."""
    rule = {"kind": "bundle_price", **SELF, "slots": [{"set": "s", "qty": 3}]}
    lines = prices(10_000, 7500, 5000)
    assert priced([{**rule, "reward": {"percent": 100, "apply_to": "cheapest"}}], lines).net == 17_500
    assert priced([{**rule, "reward": {"percent": 100, "apply_to": "dearest"}}], lines).net == 12_500
    assert priced([buy_get(2, 1)], [line("A", 10_000, 3)]).net == 20_000


def test_salesforce_three_items_for_22_apportioned_exactly() -> None:
    """documentation.b2c.commercecloud, "Promotion Proration Logic": 13 + 13 + 12 for 22: 16.00 off, to the cent."""
    rule = {
        "kind": "combo",
        "match": {name: {"items": [name]} for name in ("SKU1", "SKU2", "SKU3")},
        "reward": {"type": "bundle_price", "value": 2200},
    }
    answer = priced([rule], [line("SKU1", 1300), line("SKU2", 1300), line("SKU3", 1200)])
    assert shares(answer) == {"SKU1": 548, "SKU2": 547, "SKU3": 505}


def test_salesforce_threshold_over_the_order_after_a_product_promotion() -> None:
    """Same pages: 15 % over 100 on 60 + 50: 9.00 and 7.50; 10 off SKU1 first: 15.00; or SKU3 left out."""
    over = {"kind": "basket_threshold", "threshold": {"amount": 10_000}, "reward": {"percent": 15}}
    lines = [line("SKU1", 6000), line("SKU2", 5000)]
    assert shares(priced([over], lines)) == {"SKU1": 900, "SKU2": 750}
    first = {"kind": "item_price", "match": {"items": ["SKU1"]}, "reward": {"type": "amount_off", "value": 1000}}
    assert priced([over, first], lines).net == 8500
    without = {**over, "match": {"all": True, "without": {"items": ["SKU3"]}}}
    assert priced([without], [*lines, line("SKU3", 4000)]).net == 13_350


def test_ibm_five_shirts_three_ties_in_full_combinations() -> None:
    """ibm.com/docs order-management: buy 2 shirts, a tie at 10 % off; 5 shirts, 3 ties: two ties at 9."""
    rule = {
        "kind": "buy_get",
        "match": {"shirt": {"items": ["S"]}, "tie": {"items": ["T"]}},
        "slots": [{"set": "shirt", "qty": 2}, {"set": "tie", "qty": 1}],
        "reward": {"percent": 10, "apply_to": "last", "distribute": "rewarded"},
    }
    answer = priced([rule], [line("S", 1000, 5), line("T", 1000, 3)])
    assert shares(answer) == {"S": 0, "T": 200}
    spread = priced([{**rule, "reward": {"percent": 10, "apply_to": "last"}}], [line("S", 1000, 2), line("T", 1000)])
    assert shares(spread) == {"S": 67, "T": 33}  # the prorated refund: 0.66 and 0.34 there, largest remainder here


def test_magento_more_free_than_bought() -> None:
    """magento/magento2 #37987: one racket, five balls free."""
    rule = {
        "kind": "buy_get",
        "match": {"racket": {"items": ["R"]}, "ball": {"items": ["B"]}},
        "slots": [{"set": "racket"}, {"set": "ball", "qty": 5}],
    }
    assert priced([rule], [line("R", 20_000), line("B", 150, 7)]).discount == 750


def test_odoo_every_full_multiple() -> None:
    """odoo/odoo #22081: buy 2 get 1, buy 4 get 2, and nine of buy-5-get-1 once, twelve twice."""
    assert [priced([buy_get(2, 1)], [line("A", 100, n)]).discount for n in (2, 3, 5, 6, 8, 9)] == [
        0, 100, 100, 200, 200, 300,
    ]  # fmt: skip
    assert [priced([buy_get(5, 1)], [line("A", 100, n)]).discount for n in (9, 12)] == [100, 200]


def test_prestashop_two_rules_for_the_cheapest_take_two_units() -> None:
    """PrestaShop/PrestaShop #20199: the same product must not be free twice."""
    rule = {"kind": "nth_unit", "match": {"s": ALL}, "nth": [{"n": 1, "percent": 100}], "limits": {"per_basket": 1}}
    answer = priced([{**rule, "favour": "shop"}, {**rule, "favour": "shop"}], prices(1080, 1428, 2900))
    assert sorted(savings(answer)) == [1080, 1428]


def test_craft_commerce_two_of_three_free_items_of_different_price() -> None:
    """craftcms/commerce #1728: buy one get one with shirts at 20 and 10: 10 off, not 15."""
    assert priced([buy_get(1, 1)], prices(2000, 1000)).discount == 1000


def test_medusa_quantity_in_one_go_equals_one_by_one() -> None:
    """medusajs/medusa #14432: adding a quantity at once must not give more."""
    at_once = priced([buy_get(2, 1)], [line("A", 100, 4)]).discount
    assert at_once == priced([buy_get(2, 1)], [line("A", 100)] * 4).discount == 100


def test_avery_berkel_fixed_price_money_off_percentage() -> None:
    """Operator's manual ABR35, page 77: lemons 30p or 4 for 1.00; 4 crisps 50p off; 10 % off 6 wines."""
    lemons = {"kind": "qty_tier", "match": {"items": ["L"]}, "tiers": [{"qty": 4, "value": 100}]}
    crisps = {
        "kind": "bundle_price",
        "match": {"s": {"items": ["C"]}},
        "slots": [{"set": "s", "qty": 4}],
        "reward": {"type": "amount_off", "value": 50},
    }
    wine = {"kind": "qty_tier", "match": {"items": ["W"]}, "tiers": [{"qty": 6, "percent": 10}],
            "reward": {"type": "percent_off"}}  # fmt: skip
    answer = priced([lemons, crisps, wine], [line("L", 30, 9), line("C", 60, 5), line("W", 799, 7)])
    assert savings(answer) == [20, 20, 50, 560]


def test_retail_pro_subtotal_counts_once() -> None:
    """my.retailpro.com, "Combine Promotions": one that does not combine leaves its units to nobody else."""
    exclusive = {"kind": "basket_threshold", "match": {"tags": ["a"]}, "threshold": {"amount": 10_000}, "priority": 9,
                 "concurrency": "exclusive", "reward": {"percent": 10}}  # fmt: skip
    other = {"kind": "basket_threshold", "threshold": {"amount": 20_000}, "reward": {"percent": 10}}
    lines = [line("A", 10_000, tags=["a"]), line("B", 25_000)]
    assert savings(priced([exclusive, other], lines)) == [1000, 2500]


def test_functional_guide_highest_and_lowest_of_three() -> None:
    """functionalguy.blogspot.com, Oracle: 19.99, 15.99, 10.00: 10 % of the highest is 2.00, of the lowest 1.00."""
    rule = {"kind": "bundle_price", **SELF, "slots": [{"set": "s", "qty": 3}]}
    lines = prices(1999, 1599, 1000)
    assert priced([{**rule, "reward": {"percent": 10, "apply_to": "dearest"}}], lines).discount == 200
    assert priced([{**rule, "reward": {"percent": 10, "apply_to": "cheapest"}}], lines).discount == 100
