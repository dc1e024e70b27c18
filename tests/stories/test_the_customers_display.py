"""What a customer reads on the line display of a started daemon, in the shop's language where the display has it.

One headquarters for all; each test starts the daemon with a gateway.toml of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.demo.world import World, sample_items
from tests.stories.open_store import basket, opened

pytestmark = [pytest.mark.story, pytest.mark.asyncio(loop_scope="module")]
MILK, BUTTER = (item for item in sample_items() if item.item_id in ("1001", "1003"))
LOCALE, DRIVER = 'locale = "en"', 'driver = "display-cd5220"'


class Speaking(World):
    """The daemon is in English first, and the display as it comes."""

    locale, code_page = "en", ""

    async def speak(self, locale: str, code_page: str) -> None:
        """Start the daemon in this language. code_page: that the display is set to; none: as it comes."""
        if (locale, code_page) != (self.locale, self.code_page):
            await self.gateway_process.stop()
            self.locale, self.code_page = locale, code_page
            self._write_configuration()
            self.store.display.set("code_page", code_page or "cp858")
        await opened(self)

    def _write_configuration(self) -> None:
        super()._write_configuration()
        text = self.gateway_toml.read_text()
        assert LOCALE in text
        assert DRIVER in text
        text = text.replace(LOCALE, f'locale = "{self.locale}"')
        if self.code_page:
            text = text.replace(DRIVER, f'{DRIVER}\ncode_page = "{self.code_page}"')
        self.gateway_toml.write_text(text)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory, core_data: Path) -> AsyncIterator[Speaking]:
    world = Speaking(tmp_path_factory.mktemp("shop"), core_data=core_data)
    await world.start()
    yield world
    await world.stop()


async def reads(world: World, *rows: str) -> None:
    async def shown() -> bool:
        return all(row in " ".join(" ".join(world.store.reads()).split()) for row in rows)

    await world.until(f"the customer reads {rows}", world.gateway_process, shown, 15)


async def test_the_customer_reads_the_line_the_total_and_the_change(world: Speaking) -> None:
    await world.speak("en", "")
    await reads(world, "Demo store")
    await world.gateway.post("/v1/baskets/1/scan", {"code": MILK.barcode})
    await reads(world, "1.19 TOTAL 1.19")
    await world.store.display.unplug()
    await world.gateway.post("/v1/baskets/1/scan", {"code": BUTTER.barcode})
    await world.gateway.post("/v1/baskets/1/tender", {"amount_minor": 1000})
    await world.store.display.plug()
    total = (await basket(world))["finished"]["total_minor"]
    await reads(world, f"TOTAL {total / 100:.2f}", f"CHANGE {(1000 - total) / 100:.2f}")


@pytest.mark.parametrize(
    ("locale", "code_page", "rows"),
    [
        ("zh-TW", "big5", ["總計            1.19", "找零            0.81"]),
        ("zh-TW", "", ["TOTAL           1.19", "CHANGE          0.81"]),
        ("de", "", ["SUMME           1,19", "RÜCKGELD        0,81"]),
    ],
)
async def test_the_end_of_a_sale_is_read_in_the_shops_language(
    world: Speaking, locale: str, code_page: str, rows: list[str]
) -> None:
    await world.speak(locale, code_page)
    await reads(world, "Demo store")
    await world.gateway.post("/v1/baskets/1/scan", {"code": MILK.barcode})
    await world.gateway.post("/v1/baskets/1/tender", {"amount_minor": 200})

    async def shown() -> bool:
        return world.store.reads() == rows

    await world.until(f"the display shows {rows}", world.gateway_process, shown, 15)
