"""What a scan means beyond articles: member cards, coupons, invoice carriers, payment codes, by a configurable order.

Reads:  codes by rules: a pattern over the whole code, for some symbologies or for all. Rules come from built-in sets
        (`taiwan`, `wallets`, `gs1`) and from the store. `Codes.precedence` says in which order the kinds are tried; the
        kinds behind `item` get only what is no article. Never a guess: the first rule that fits wins, and an 18-digit
        payment code carries no amount.
Units:  text; a rule's group `code`, where it has one, is the part that counts.
Source: Taiwan carriers: Ministry of Finance, electronic invoice carrier types 3J0002, CQ0001 and donation codes, as two
        open implementations check them. Payment codes: WeChat Pay (18 digits from 10 to 15) and Alipay (16 to 24 digits
        from 25 to 30), two vendors' documents each; LINE Pay offline API v4 (18 digits in Taiwan, 12 elsewhere): its 18
        digits have no prefix of their own, so that set is a choice of the store. GS1 General Specifications 23:
        prefixes 981 to 984 and 99 are coupons, AI 255 a coupon number, AI 8018 a service relation (a member card).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from retail.barcode import Kind, Layouts, Meaning, interpret

ORDER = (Kind.CARRIER, Kind.COUPON, Kind.MEMBER, Kind.ITEM, Kind.WALLET, Kind.DONATION)
#: the longest code that rules are tried on; a payment code has 24 characters, a coupon's QR text some hundred
LONGEST = 512


class CodeRuleError(ValueError):
    """A rule or an order that cannot be: the text names it, what is wrong, and what is allowed."""


@dataclass(frozen=True, slots=True)
class CodeRule:
    """A code of this kind is one whose whole text fits `pattern`.

    symbologies: AIM identifiers or their beginnings (`]A` is any Code 39); () is any, and keyed codes too.
    name: which of several of a kind it is: `3J0002`, `alipay`, the shop's own word.
    """

    kind: Kind
    pattern: re.Pattern[str]
    name: str = ""
    symbologies: tuple[str, ...] = ()

    def read(self, data: str, symbology: str) -> Meaning | None:
        if self.symbologies and symbology and not symbology.startswith(self.symbologies):
            return None
        found = self.pattern.fullmatch(data)
        if found is None:
            return None
        code = found.group("code") if "code" in self.pattern.groupindex else data
        return Meaning(self.kind, code=code, code_name=self.name) if code else None

    @classmethod
    def parse(cls, row: Mapping[str, Any]) -> CodeRule:
        """A rule from a configuration's row: kind, pattern, and if need be name and symbologies.

        Raises:
            CodeRuleError: names the row and what is wrong.
        """
        unknown = set(row) - {"kind", "pattern", "name", "symbologies"}
        if unknown:
            raise CodeRuleError(f"unknown key {min(unknown)!r}; there are kind, pattern, name, symbologies")
        kind, pattern = row.get("kind"), row.get("pattern")
        kinds = [one.value for one in ORDER if one is not Kind.ITEM]
        if kind not in kinds:
            raise CodeRuleError(f"kind {kind!r}: there are {', '.join(kinds)}")
        if not isinstance(pattern, str) or not pattern:
            raise CodeRuleError(f"a rule for {kind} needs a pattern, such as '29[0-9]{{11}}'")
        try:
            compiled = re.compile(pattern, re.ASCII)
        except re.error as problem:
            raise CodeRuleError(f"pattern {pattern!r}: {problem}") from problem
        if compiled.fullmatch(""):
            raise CodeRuleError(f"pattern {pattern!r} fits an empty code; make it say what the code has")
        symbologies = row.get("symbologies", [])
        if not isinstance(symbologies, list | tuple) or not all(
            re.fullmatch(r"\][A-Za-z][0-9A-Za-z]?", str(s)) for s in symbologies
        ):
            raise CodeRuleError(f"symbologies {symbologies!r}: write AIM identifiers, such as [']E0', ']A']")
        return cls(Kind(kind), compiled, str(row.get("name", "")), tuple(symbologies))


def _rule(kind: Kind, pattern: str, name: str, *symbologies: str) -> CodeRule:
    return CodeRule(kind, re.compile(pattern, re.ASCII), name, symbologies)


SETS: Mapping[str, tuple[CodeRule, ...]] = {
    "gs1": (
        _rule(Kind.COUPON, r"0?(?P<code>(98[1-4]|99[0-9])[0-9]{10})", "gs1-prefix", "]E0"),
        _rule(Kind.COUPON, r"255(?P<code>[0-9]{13,25})", "gcn", "]C1", "]e0", "]d2", "]Q3"),
        _rule(Kind.MEMBER, r"8018(?P<code>[0-9]{18})", "gsrn", "]C1", "]e0", "]d2", "]Q3"),
    ),
    "taiwan": (
        _rule(Kind.CARRIER, r"/[0-9A-Z.+\-]{7}", "3J0002", "]A", "]C0", "]Q"),
        _rule(Kind.CARRIER, r"[A-Z]{2}[0-9]{14}", "CQ0001", "]A", "]C0", "]Q"),
        _rule(Kind.DONATION, r"[0-9]{3,7}", "NPOBAN", "]A", "]C0", "]Q"),
    ),
    "wallets": (
        _rule(Kind.WALLET, r"1[0-5][0-9]{16}", "wechat", "]C", "]Q"),
        _rule(Kind.WALLET, r"(2[5-9]|30)[0-9]{14,22}", "alipay", "]C", "]Q"),
    ),
    "linepay-tw": (_rule(Kind.WALLET, r"[0-9]{18}", "linepay", "]C", "]Q"),),
}
DEFAULT_SETS = ("gs1",)


@dataclass(frozen=True, slots=True)
class Codes:
    """The store's rules in the order of `precedence`; rules of one kind in the order in which they stand."""

    rules: tuple[CodeRule, ...] = SETS["gs1"]
    precedence: tuple[Kind, ...] = ORDER

    @classmethod
    def of(
        cls, sets: Iterable[str] = DEFAULT_SETS, rows: Iterable[Mapping[str, Any]] = (), precedence: Iterable[str] = ()
    ) -> Codes:
        """The store's own rows go before the built-in sets. Kinds that `precedence` leaves out are not read at all.

        Raises:
            CodeRuleError: a set, a row or a kind that is not one.
        """
        rules = [CodeRule.parse(row) for row in rows]
        for name in sets:
            if name not in SETS:
                raise CodeRuleError(f"there is no set {name!r}; there are {', '.join(SETS)}")
            rules += SETS[name]
        order = tuple(_kind(word) for word in precedence) or ORDER
        if Kind.ITEM not in order:
            raise CodeRuleError("precedence must name item: a till that reads no articles sells nothing")
        if len(set(order)) < len(order):
            raise CodeRuleError("precedence names a kind twice; each stands once")
        return cls(tuple(rules), order)

    def _first(self, data: str, symbology: str, kinds: Iterable[Kind]) -> Meaning | None:
        for kind in kinds:
            for rule in self.rules:
                if rule.kind is kind and (meaning := rule.read(data, symbology)):
                    return meaning
        return None

    def read(self, data: str, symbology: str, layouts: Layouts, currency_exponent: int) -> Meaning:
        """What this scan means; parameters as in retail.barcode.interpret. No string makes it raise."""
        data = data.strip()
        if not symbology and re.match(r"\][A-Za-z][0-9A-Za-z]", data):
            symbology, data = data[:3], data[3:]
        at = self.precedence.index(Kind.ITEM)
        if len(data) <= LONGEST and (meaning := self._first(data, symbology, self.precedence[:at])):
            return meaning
        item = interpret(data, symbology, layouts, currency_exponent)
        if len(data) <= LONGEST and (item.kind is Kind.UNKNOWN or _only_a_short_code(item)):
            meaning = self._first(data, symbology, self.precedence[at + 1 :])
            if meaning and item.kind is Kind.ITEM:
                # A short code may be an article's number as well: the catalogue decides, and then the other meaning.
                return replace(item, otherwise=meaning.kind, code=meaning.code, code_name=meaning.code_name)
            if meaning:
                return meaning
        if item.kind is Kind.UNKNOWN and symbology in FULL_ASCII and any(r.name == "3J0002" for r in self.rules):
            text = "the scanner reads Code 39 as Full ASCII, which spoils invoice carriers; switch Full ASCII off in it"
            return replace(item, problem=text)
        return item


#: ISO/IEC 15424: the scanner converted Code 39 pairs such as /A and +A to other characters
FULL_ASCII = ("]A4", "]A5", "]A7")


def _only_a_short_code(meaning: Meaning) -> bool:
    return meaning.gtin is None and meaning.weight is None and meaning.price_minor is None and meaning.pieces is None


def _kind(word: str) -> Kind:
    try:
        kind = Kind(word)
    except ValueError:
        kind = Kind.UNKNOWN
    if kind is Kind.UNKNOWN:
        raise CodeRuleError(f"precedence: {word!r} is no kind; there are {', '.join(ORDER)}")
    return kind
