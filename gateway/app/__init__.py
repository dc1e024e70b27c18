"""The composition root: the only place that builds the parts of a running gateway and joins them.

gateway.py       the whole, and its life from the first lock to the last close
headquarters.py  the link and what goes over it
counter.py       workstations with their devices, terminals and printers
check.py         whether a configuration could run
"""

from gateway.app.gateway import FEEDS_FILE, MONEY_FILE, SOFTWARE, Gateway

__all__ = ["FEEDS_FILE", "MONEY_FILE", "SOFTWARE", "Gateway"]
