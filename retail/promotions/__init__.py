"""Promotions: fifteen kinds of rules, five lanes, one answer for any order of scanning. See docs/promotions.md."""

from retail.promotions.basket import Basket, Line, Manual, Member
from retail.promotions.engine import Engine
from retail.promotions.priced import Priced
from retail.promotions.reading import PromotionError, read_basket, read_rule, read_rules
from retail.promotions.rules import Rule
from retail.promotions.session import Session

__all__ = [
    "Basket",
    "Engine",
    "Line",
    "Manual",
    "Member",
    "Priced",
    "PromotionError",
    "Rule",
    "Session",
    "read_basket",
    "read_rule",
    "read_rules",
]
