"""Whether a rule holds for this sale: moment, store, channel, member, coupon, tender. No clock: the moment comes in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from retail.promotions.rules import Rule, When, Where, Who


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a sale is like, apart from its lines. `at` is the store's local time."""

    at: datetime | None = None
    store: str = ""
    groups: frozenset[str] = frozenset()
    channel: str = "pos"
    member: str | None = None
    tier: str = ""
    coupons: frozenset[str] = frozenset()
    tenders: frozenset[str] = frozenset()
    used: dict[str, int] = field(default_factory=dict)


def always(rule: Rule) -> bool:
    """Whether the rule holds for every occasion."""
    return (
        rule.when is None
        and rule.trigger is None
        and rule.where == Where()
        and rule.who == Who()
        and rule.limits.per_member_day is None
    )


def why_not(rule: Rule, occasion: Occasion) -> str:
    """Empty where the rule holds, else the reason in a word or two."""
    if rule.when is not None and not _now(rule.when, occasion.at):
        return "not at this time"
    stores = rule.where.stores
    if stores and not (occasion.store in stores or any(f"grp:{group}" in stores for group in occasion.groups)):
        return "not in this store"
    if rule.where.channels and occasion.channel not in rule.where.channels:
        return "not on this channel"
    if rule.trigger is not None:
        if rule.trigger.coupon is not None and rule.trigger.coupon not in occasion.coupons:
            return "its coupon is not there"
        if rule.trigger.tender is not None and rule.trigger.tender not in occasion.tenders:
            return "not with this tender"
    return _not_for(rule, occasion)


def _not_for(rule: Rule, occasion: Occasion) -> str:
    who = rule.who
    if occasion.member is None:
        if who.member == "required" or who.tiers:
            return "for members"
        if rule.limits.per_member_day is not None:
            return "counted per member, and there is none"
    elif who.member == "none":
        return "not for members"
    elif who.tiers and occasion.tier not in who.tiers:
        return "not for this tier"
    daily = rule.limits.per_member_day
    if daily is not None and occasion.used.get(rule.id, 0) >= daily:
        return "used up for today"
    return ""


def _now(when: When, at: datetime | None) -> bool:
    """Without a moment only a rule without a time holds."""
    if at is None:
        return when.from_ is None and when.to is None and not when.days and not when.hours
    if (when.from_ is not None and at < when.from_) or (when.to is not None and at >= _over(when.to)):
        return False
    if when.days and at.isoweekday() not in when.days:
        return False
    return not when.hours or any(_within(at, start, end) for start, end in when.hours)


def steady(whens: Iterable[When], at: datetime) -> tuple[datetime, datetime]:
    """The longest time around a moment, within its calendar day, in which none of these begins or ends to hold."""
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    turns = {day, day + timedelta(days=1)}
    for when in whens:
        if when.from_ is not None:
            turns.add(when.from_)
        if when.to is not None:
            turns.add(_over(when.to))
        for hours in when.hours:
            for hour in hours:
                turns.add(day + timedelta(hours=int(hour[:2]), minutes=int(hour[3:])))
    return max(turn for turn in turns if turn <= at), min(turn for turn in turns if turn > at)


def _over(to: datetime) -> datetime:
    """The first moment behind `to`: a whole minute ends when it is struck, any other moment is itself still in time."""
    whole_minute = to.second == 0 and to.microsecond == 0
    return to if whole_minute or to.year == 9999 else to + timedelta(microseconds=1)


def _within(at: datetime, start: str, end: str) -> bool:
    """From start on, until just before end; an end before the start is on the next day."""
    clock = f"{at.hour:02}:{at.minute:02}"
    return start <= clock < end if start <= end else clock >= start or clock < end


def uses_left(rule: Rule, occasion: Occasion) -> int | None:
    """How often the rule may apply in this basket; None: without limit. A coupon counts once."""
    limits = [] if rule.limits.per_basket is None else [rule.limits.per_basket]
    if rule.limits.per_member_day is not None:
        limits.append(rule.limits.per_member_day - occasion.used.get(rule.id, 0))
    if not limits and rule.trigger is not None and rule.trigger.coupon is not None and rule.lane in ("price", "unit"):
        return 1
    return min(limits, default=None)
