"""The topics, in one place. `<gateway>` is the gateway id: its certificate's common name, by convention <store>-<n>."""

from __future__ import annotations

import re

ROOT = "edge/v1"
HQ_STATE = f"{ROOT}/hq/state"
#: not the names that stand beside the gateways under edge/v1/: a gateway called hq would write headquarters' own state
GATEWAY_ID = re.compile(r"(?!(?:hq|prov)\Z)[A-Za-z0-9-]+")


class GatewayTopics:
    """The topics of one gateway; GatewayTopics("+") gives the filters that headquarters subscribes to."""

    def __init__(self, gateway_id: str) -> None:
        if gateway_id != "+" and not GATEWAY_ID.fullmatch(gateway_id):
            raise ValueError(
                f"gateway id {gateway_id!r}: use letters, digits and hyphens only, such as S0421-1 (not hq, not prov)"
            )
        self.base = f"{ROOT}/{gateway_id}"
        self.state = f"{self.base}/state"
        self.birth = f"{self.base}/birth"
        self.log = f"{self.base}/up/log"
        self.ack = f"{self.base}/down/ack"
        self.metrics = f"{self.base}/up/metrics"

    def device(self, device_class: str, device_id: str) -> str:
        return f"{self.base}/dev/{device_class}/{device_id}"

    def event(self, severity: str) -> str:
        return f"{self.base}/up/event/{severity}"

    def feed_head(self, feed: str) -> str:
        return f"{self.base}/down/feed/{feed}/head"

    def feed_pull(self, feed: str) -> str:
        return f"{self.base}/up/feed/{feed}/pull"

    def feed_page(self, feed: str) -> str:
        return f"{self.base}/down/feed/{feed}/page"


def gateway_of(topic: str) -> str:
    """The gateway id in a topic below edge/v1/.

    Raises:
        ValueError: the topic is not one of ours.
    """
    parts = topic.split("/")
    if len(parts) < 4 or parts[:2] != ["edge", "v1"] or not GATEWAY_ID.fullmatch(parts[2]):
        raise ValueError(f"topic {topic!r} names no gateway")
    return parts[2]
