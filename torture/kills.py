"""kill -9 of gateway, broker, core and PostgreSQL at random moments, each started again at once, selling all the while.

Three of four kills wait until the victim answers again; the fourth hits it wherever its start-up is. A short campaign
kills each victim both ways, once, in an order by the dice. The broker keeps nothing on disk: each of its deaths wipes
what it held.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from torture.campaign import Result, Setting, result, settle
from torture.driver import Driver
from torture.house import Box, House
from torture.program import until

KILLS = 1000
WAITS_FOR_LIFE = 0.75
#: the longest rest between two kills
REST_S, REST_SHORT_S = 1.0, 0.3


async def run(setting: Setting) -> Result:
    killed: Counter[str] = Counter()
    async with setting.house() as house:
        kills = _kills(setting, ["gateway", "broker", "core", *(["postgres"] if house.postgres else [])])
        box = house.add()
        box.start()
        await box.until_online()
        async with Driver(box.api.base, setting.random) as driver:
            await driver.until_kept(50)
            for victim, patient in kills:
                await asyncio.sleep(setting.random.uniform(0, REST_SHORT_S if setting.short else REST_S))
                await _kill_one(house, box, victim, patient)
                killed[victim] += 1
                _keep_up(house)
            await until("the core answers", lambda: _alive(house), 40, [house.core])
            await box.until_answers()
            await driver.until_kept(20)
        verdict, drained_s = await settle(house, [box], driver)
        book = driver.book
        return result(
            setting,
            verdict,
            len(kills),
            killed=dict(killed),
            answers=dict(book.answers),
            open_outcomes=len(book.sent) - len(book.kept),
            drained_s=drained_s,
            words=book.first_words,
        )


def _kills(setting: Setting, victims: list[str]) -> list[tuple[str, bool]]:
    """Whom to kill, and whether to wait until it answers; one after the other."""
    if setting.short:
        each = [(victim, patient) for victim in victims for patient in (True, False)]
        setting.random.shuffle(each)
        return each
    return [(setting.random.choice(victims), setting.random.random() < WAITS_FOR_LIFE) for _ in range(KILLS)]


async def _kill_one(house: House, box: Box, victim: str, patient: bool) -> None:
    if victim == "gateway":
        if patient:
            await box.until_answers()
        box.program.kill()
        box.start()
    elif victim == "core":
        if patient:
            await until("the core answers", lambda: _alive(house), 40, [house.core])
        house.core.kill()
        house.core.start()
    elif victim == "broker":
        house.broker.kill()
        await house.broker.start()
    elif house.postgres is not None:
        house.postgres.kill()
        await house.postgres.start()


async def _alive(house: House) -> bool:
    _keep_up(house)
    return await house.core_answers()


def _keep_up(house: House) -> None:
    """A core that could not start, because its database was just away, is started again, as systemd would."""
    if not house.core.running():
        house.core.kill()
        house.core.start()
