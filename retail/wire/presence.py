"""Who is there: `state` (retained, and the will), `birth` (retained), `up/metrics` each minute, `hq/state`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from retail.lines import seldom
from retail.sale import Identifier, Shape, UtcTime
from retail.wire.log import Epoch, Sha256

ClockState = Literal["synced", "holdover", "unset"]


class State(Shape):
    """`edge/v1/<gateway>/state`. `session` counts connections: an old will overwrites nothing."""

    schema_: Literal["backroom.state/1"] = Field(default="backroom.state/1", alias="schema")
    state: Literal["init", "ready", "degraded", "stopped", "lost"]
    session: int = Field(ge=0)
    boot_id: str
    since: UtcTime


class DeviceBrief(Shape):
    id: Identifier
    device_class: str
    driver: str
    power: Literal["unknown", "online", "offline", "off"]


class LogPosition(Shape):
    """Where the store's log stands: birth and metrics carry it, so that HQ knows of a gap before the data comes."""

    epoch: Epoch
    next_seq: int = Field(ge=1)
    oldest_unacked_seq: int | None
    oldest_unacked_age_s: float | None = Field(description="by the box's monotonic clock where it can be known")
    unacked: int = Field(ge=0)
    head_chain: Sha256
    count_today: int = Field(ge=0, description="sales of the current business day")
    sum_today_minor: int


class Birth(Shape):
    """`edge/v1/<gateway>/birth`: sent on every connection, after the subscriptions stand."""

    schema_: Literal["backroom.birth/1"] = Field(default="backroom.birth/1", alias="schema")
    session: int
    store_id: Identifier
    model: str = Field(examples=["Raspberry Pi 4 Model B Rev 1.4"])
    serial: str
    software: str = Field(examples=["0.1.0"])
    currency: str
    timezone: str
    clock: ClockState
    certificate_expires: UtcTime | None
    feeds: dict[str, int] = Field(description="feed name -> version in force")
    log: LogPosition
    devices: list[DeviceBrief]
    at: UtcTime


#: closed: nothing is sold before a session is opened; signed_off: nor before an operator signs on
LaneWord = Literal["closed", "signed_off", "idle", "selling", "paying"]


class LaneBrief(Shape):
    """How a workstation stands. since: when that state began. call: why somebody is called, until somebody came."""

    workstation_id: Identifier
    kind: Literal["attended", "self-checkout"]
    state: LaneWord
    since: UtcTime
    training: bool = seldom(False)
    call: Literal["help", "weight_mismatch", "bag_not_weighed"] | None = seldom()
    call_text: str | None = seldom(max_length=200)
    call_since: UtcTime | None = seldom()


class Metrics(Shape):
    """`edge/v1/<gateway>/up/metrics`: small, flat, each 60 s, and soon after something changed."""

    schema_: Literal["backroom.metrics/1"] = Field(default="backroom.metrics/1", alias="schema")
    session: int
    at: UtcTime
    log: LogPosition
    disk_used_percent: float
    memory_rss_mib: float
    cpu_temperature_c: float | None
    link_reconnects: int
    devices: list[DeviceBrief]
    lanes: list[LaneBrief] = Field(default=[], description="of an earlier software: none")


class DeviceState(Shape):
    """`edge/v1/<gateway>/dev/<class>/<id>`, retained: one peripheral in UnifiedPOS words."""

    schema_: Literal["backroom.device/1"] = Field(default="backroom.device/1", alias="schema")
    id: Identifier
    device_class: str
    driver: str
    power: Literal["unknown", "online", "offline", "off"]
    since: UtcTime
    last_error: str | None
    statistics: dict[str, int]


class HqState(Shape):
    """`edge/v1/hq/state`, retained: whether intake takes batches now."""

    schema_: Literal["backroom.hq/1"] = Field(default="backroom.hq/1", alias="schema")
    intake: Literal["open", "paused"]
    core_incarnation: str
    since: UtcTime


class GatewayEvent(Shape):
    """`edge/v1/<gateway>/up/event/<severity>`: something a person at HQ should know."""

    schema_: Literal["backroom.event/1"] = Field(default="backroom.event/1", alias="schema")
    code: str = Field(examples=["outbox_salvaged"])
    text: str
    at: UtcTime
