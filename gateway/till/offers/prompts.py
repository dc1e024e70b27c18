"""Prompts at the till: what the customer would save with one thing more. One key rings it, or the cashier refuses it.

A prompt that was refused twice in a sale stays away for the rest of it; one that can no longer come true is not shown.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.errors import SaleRefused
from gateway.till.offers.answer import named
from gateway.words import Words, catalogue_of

if TYPE_CHECKING:
    from gateway.till.workstation import Workstation

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Missing:
    """So many of this item more."""

    item_id: str
    description: str
    quantity: int


@dataclass(frozen=True, slots=True)
class PromptNow:
    """missing_minor: how much more to spend, where the rule asks for an amount and not for goods.

    names, texts: the rule's own, by language. saving, amount: as the store writes them; amount of missing_minor.
    """

    rule_id: str
    names: Mapping[str, str]
    texts: Mapping[str, str]
    saving_minor: int
    saving: str
    missing: tuple[Missing, ...]
    missing_minor: int | None
    amount: str

    @property
    def missing_count(self) -> int:
        return sum(one.quantity for one in self.missing)

    def name(self, words: Words) -> str:
        return named(self.names, words.locale, self.rule_id)

    def text(self, words: Words) -> str:
        """The rule's own text in this language; else ours, where we speak it; else whatever the rule has."""
        catalogue = catalogue_of(words.locale)
        for language, text in self.texts.items():
            if text and language.split("-")[0] == words.locale.split("_")[0] and catalogue_of(language) == catalogue:
                return text
        if catalogue is None and not words.locale.startswith("en") and any(self.texts.values()):
            return named(self.texts, words.locale, "")
        offer = self.name(words)
        if not self.missing:
            if not self.saving_minor:
                return words.text("{offer}: spend {amount} more", offer=offer, amount=self.amount)
            return words.text(
                "{offer}: spend {amount} more and save {saving}", offer=offer, amount=self.amount, saving=self.saving
            )
        things = ", ".join(
            words.text("{number} × {item}", number=one.quantity, item=one.description) for one in self.missing
        )
        return words.text("{offer}: fetch {things} and save {saving}", offer=offer, things=things, saving=self.saving)


class Prompts:
    def __init__(self, till: Workstation) -> None:
        self._till = till
        self._known: tuple[Any, list[PromptNow]] | None = None

    def now(self) -> list[PromptNow]:
        """At most two, the largest saving first; none once the sale is being paid."""
        basket = self._till.basket
        if basket.state != "selling" or basket.offers is None or basket.offers.pending or basket.offers.failed:
            return []
        try:
            priced = self._till.offers.pricing.priced(basket)
            if priced is None:
                return []
            if self._known is None or self._known[0] is not priced:
                self._known = priced, [self._prompt(one) for one in priced.prompts]
        except Exception:  # a sale goes on without a word about what could be saved
            log.exception("the prompts of a sale could not be worked out")
            return []
        return self._known[1]

    def forget(self) -> None:
        self._known = None

    async def accept(self, rule_id: str) -> None:
        """Ring what is missing.

        Raises:
            SaleRefused: there is no such prompt now, or it asks for an amount; or the article is refused.
        """
        prompt = self._wanted(rule_id)
        if not prompt.missing:
            shown = self._till.shown(prompt.missing_minor or 0)
            text = f"any article will do for this offer: {shown} more; scan it"
            raise SaleRefused(text, reason="no_article", field="rule")
        for missing in prompt.missing:
            await self._till.enter(missing.item_id, method="keyed", pieces=missing.quantity)

    async def refuse(self, rule_id: str) -> None:
        """The customer does not want it.

        Raises:
            SaleRefused: there is no such prompt now.
        """
        self._wanted(rule_id)
        async with self._till.command():
            basket = self._till.basket
            before = basket.model_copy(deep=True)
            basket.refused_prompts[rule_id] = basket.refused_prompts.get(rule_id, 0) + 1
            self._till.offers.pricing.refuse(rule_id)
            await self._till.offers.keep_or(before)

    def _wanted(self, rule_id: str) -> PromptNow:
        for prompt in self.now():
            if prompt.rule_id == rule_id:
                return prompt
        raise SaleRefused(f"offer {rule_id[:64]} is not open any more: look at the sale", reason="no_such_prompt")

    def _prompt(self, found: dict[str, Any]) -> PromptNow:
        till = self._till
        wanted = Counter(one["item"] for one in found["missing"].get("units", []))
        missing = tuple(Missing(item_id, till.describe(item_id), count) for item_id, count in wanted.items())
        rules = till.offers.pricing.rules_by_id()
        saving, amount = found["saving"], found["missing"].get("amount")
        names = rules[found["rule"]].rule.name
        return PromptNow(
            found["rule"], names, found["text"], saving, till.shown(saving), missing, amount, till.shown(amount or 0)
        )
