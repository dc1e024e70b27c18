"""What a customer reads on the line display of a started daemon, in the shop's language where the display has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.demo.world import World, sample_items

pytestmark = [pytest.mark.story, pytest.mark.xdist_group("story")]
MILK = next(item for item in sample_items() if item.item_id == "1001")
DRIVER = 'driver = "display-cd5220"'


class Speaking(World):
    locale, code_page = "en", ""

    def _write_configuration(self) -> None:
        super()._write_configuration()
        text = self.gateway_toml.read_text()
        assert 'locale = "en"' in text
        assert DRIVER in text
        text = text.replace('locale = "en"', f'locale = "{self.locale}"')
        if self.code_page:
            text = text.replace(DRIVER, f'{DRIVER}\ncode_page = "{self.code_page}"')
        self.gateway_toml.write_text(text)


@pytest.mark.parametrize(
    ("locale", "code_page", "rows"),
    [
        ("zh-TW", "big5", ["總計            1.19", "找零            0.81"]),
        ("zh-TW", "", ["TOTAL           1.19", "CHANGE          0.81"]),
        ("de", "", ["SUMME           1,19", "RÜCKGELD        0,81"]),
    ],
)
async def test_the_end_of_a_sale_is_read_in_the_shops_language(
    tmp_path: Path, locale: str, code_page: str, rows: list[str]
) -> None:
    world = Speaking(tmp_path / "world")
    world.locale, world.code_page = locale, code_page
    if code_page:
        world.store.display.set("code_page", code_page)
    await world.start()
    try:
        await world.gateway.post("/v1/baskets/1/scan", {"code": MILK.barcode})
        await world.gateway.post("/v1/baskets/1/tender", {"amount_minor": 200})

        async def shown() -> bool:
            return world.store.reads() == rows

        await world.until(f"the display shows {rows}", world.gateway_process, shown, 15)
    finally:
        await world.stop()
