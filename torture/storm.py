"""A storm: 2,000 simulated gateways reconnect at once, each with a backlog of 20 sales; headquarters drains them all.

The simulator is bench/storm.py, in a process of its own, so that its memory is told apart from the others'.
"""

from __future__ import annotations

import json
import re
import resource
import secrets
import sys
from pathlib import Path
from typing import Any

from bench.storm import gateway_name
from cloud_erp.db import open_database
from cloud_erp.fleet import registry
from torture.campaign import Result, Setting, result
from torture.house import CURRENCY, House
from torture.oracle import Verdict, read_headquarters
from torture.program import Broken, Program, until

GATEWAYS, GATEWAYS_SHORT = 2000, 200
SALES = 20
DRAINED_WITHIN_S = 600.0
FILES = 8192


async def run(setting: Setting) -> Result:
    count = GATEWAYS_SHORT if setting.short else GATEWAYS
    password = secrets.token_hex(16)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
    names = [gateway_name(number) for number in range(count)]
    async with House(
        setting.folder / "house", setting.database, dict.fromkeys(names, password), setting.core_data
    ) as house:
        _register(house, names)
        found = await _simulate(setting, house, count, password)
        verdict = _judge(house, found)
        memory = {"broker_peak_mib": _peak_mib(house.broker_pid), "core_peak_mib": _peak_mib(house.core.pid)}
    return result(setting, verdict, count, **memory, **{key: found[key] for key in found if key != "accepted"})


def _register(house: House, names: list[str]) -> None:
    database = open_database(house.database_url)
    with database.write() as connection:
        for name in names:
            registry.add(connection, registry.Gateway(name, name.split("-")[0], name, CURRENCY))
    database.close()


async def _simulate(setting: Setting, house: House, count: int, password: str) -> dict[str, Any]:
    arguments = ["--port", house.broker.port, "--password", password, "--gateways", count, "--sales", SALES]
    command = [sys.executable, "-m", "bench.storm", *map(str, arguments), "--seed", str(setting.seed)]
    simulator = Program("storm", command, house.folder)
    simulator.start()
    try:

        async def ended() -> bool:
            return not simulator.running()

        await until("all are acknowledged", ended, DRAINED_WITHIN_S, [simulator, house.core])
    finally:
        code = await simulator.stop()
    if code != 0:
        raise Broken(f"the simulator failed: {simulator.tail()}")
    found: dict[str, Any] = json.loads(simulator.tail().splitlines()[-1])
    return found


def _judge(house: House, found: dict[str, Any]) -> Verdict:
    hq = read_headquarters(house.database_url)
    keys = {row.idempotency_key for row in hq.journal}
    verdict = Verdict(found["accepted"], len(keys), found["accepted"] - len(keys), len(hq.journal) - len(keys))
    total = sum(row.total_minor for row in hq.journal)
    if total != found["total_minor"]:
        verdict.problems.append(f"the journal sums to {total}, the gateways sold {found['total_minor']}")
    if hq.quarantine:
        verdict.problems.append(f"{len(hq.quarantine)} in quarantine: {hq.quarantine[0]}")
    if any(row.contiguous_seq != SALES for row in hq.streams.values()):
        verdict.problems.append("a mark does not cover its backlog")
    return verdict


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    return round(int(match.group(1)) / 1024, 1) if match else 0.0
