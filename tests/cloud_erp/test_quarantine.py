"""Quarantine: what could not be booked is mended and booked once; what came stays as it came."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cloud_erp.catalog.item_file import import_items
from cloud_erp.cli import app
from cloud_erp.db import Database, open_database
from cloud_erp.errors import CoreError, NotInQuarantine, Settled, StillUnfit
from cloud_erp.intake import repost
from cloud_erp.intake.mending import differences, with_value
from cloud_erp.intake.model import inbox
from cloud_erp.journal import service as journal_service
from cloud_erp.journal.model import journal
from retail.units import Quantity
from tests.cloud_erp.batches import EPOCH, GATEWAY, NEXT_EPOCH, Outbox, outbox, sale
from tests.cloud_erp.conftest import prepare
from tests.cloud_erp.test_catalog import HEADER
from tests.cloud_erp.test_intake import acknowledged, alarm_codes, changed, held, on_hand, raw, rows

FIGS = f"{HEADER}\n0815,Figs,,each,0.01,EUR,B,7,,\n"


def wrong_total(number: int = 2) -> dict[str, Any]:
    return {**sale(number).model_dump(mode="json"), "total_minor": 5}


def quarantined(database: Database, body: Any, key: str = "till-key") -> str:
    """One record of that body, after a sound one; its quarantine id."""
    box = outbox([sale(1)])
    box.add(body, key=key)
    ack = acknowledged(database, box.payload())
    return ack.rejected[0].quarantine_id


def reposted(database: Database, quarantine_id: str) -> str:
    with database.write() as connection:
        return repost.repost(connection, quarantine_id, "anna")


def mended(database: Database, quarantine_id: str, body: Any) -> None:
    with database.write() as connection:
        repost.mend(connection, quarantine_id, body, "anna")


def test_a_mended_sale_is_booked_in_its_own_place_and_what_was_done_is_on_record(database: Database) -> None:
    quarantine_id = quarantined(database, wrong_total())
    (before,) = held(database)
    mended(database, quarantine_id, sale(2).model_dump(mode="json"))
    assert rows(database, journal, journal.c.seq) == [(1,)]
    assert reposted(database, quarantine_id) == "booked"
    with database.read() as connection:
        booked = journal_service.sale(connection, GATEWAY, EPOCH, 2)
        detail = journal_service.quarantined_one(connection, quarantine_id)
    assert booked is not None
    assert detail is not None
    assert (booked.idempotency_key, booked.total_minor) == ("till-key", 119)
    assert on_hand(database) == {"1001": -2}
    assert (detail.state, detail.raw) == ("booked", before.raw)
    assert [(change.by, change.action) for change in detail.changes] == [("anna", "mended"), ("anna", "reposted")]
    assert json.loads(detail.changes[0].detail) == {"total_minor": [5, 119]}


def test_reposting_twice_books_once(database: Database) -> None:
    quarantine_id = quarantined(database, wrong_total())
    mended(database, quarantine_id, sale(2).model_dump(mode="json"))
    reposted(database, quarantine_id)
    with pytest.raises(Settled, match="settled before: booked"):
        reposted(database, quarantine_id)
    with pytest.raises(Settled):
        mended(database, quarantine_id, wrong_total())
    assert on_hand(database) == {"1001": -2}
    assert len(rows(database, journal, journal.c.id)) == 2


def test_an_unknown_item_is_booked_as_it_came_once_it_was_imported(database: Database, tmp_path: Path) -> None:
    quarantine_id = quarantined(database, sale(2, ("0815", Quantity(3), 1)).model_dump(mode="json"))
    with pytest.raises(StillUnfit) as unfit:
        reposted(database, quarantine_id)
    assert (unfit.value.code, unfit.value.faults[0].field) == ("unknown_item", "line_items[0].item_id")
    (tmp_path / "figs.csv").write_text(FIGS)
    import_items(database, tmp_path / "figs.csv", dry_run=False)
    assert reposted(database, quarantine_id) == "booked"
    assert on_hand(database) == {"0815": -3, "1001": -1}


def test_what_the_store_sends_again_after_a_mend_is_a_repetition_in_whatever_epoch(database: Database) -> None:
    box, later = outbox([sale(1)]), Outbox(NEXT_EPOCH)
    box.add(wrong_total(), key="till-key")
    later.add(wrong_total(), key="till-key")
    ack = acknowledged(database, box.payload())
    mended(database, ack.rejected[0].quarantine_id, sale(2).model_dump(mode="json"))
    reposted(database, ack.rejected[0].quarantine_id)
    # Booked by now: no rejection any more.
    assert acknowledged(database, box.payload()).rejected == []
    assert acknowledged(database, later.payload()).rejected == []
    assert len(rows(database, journal, journal.c.id)) == 2
    assert alarm_codes(database) == []


def test_a_body_that_cannot_be_booked_is_not_kept_and_its_fields_are_named(database: Database) -> None:
    quarantine_id = quarantined(database, wrong_total())
    bad = {**wrong_total(), "operator_id": "no spaces here"}
    with pytest.raises(StillUnfit) as unfit:
        mended(database, quarantine_id, bad)
    assert [fault.field for fault in unfit.value.faults] == ["operator_id"]
    with pytest.raises(StillUnfit) as unfit:
        mended(database, quarantine_id, wrong_total())
    assert {fault.field for fault in unfit.value.faults} == {"total_minor", "line_items"}
    assert held(database)[0].mended is None


def test_a_record_that_nobody_could_read_is_booked_with_the_body_a_person_gives_it(database: Database) -> None:
    box = outbox([sale(1)])
    batch = box.batch()
    batch["items"][0] = "what?"
    quarantine_id = acknowledged(database, raw(batch)).rejected[0].quarantine_id
    with pytest.raises(StillUnfit):
        reposted(database, quarantine_id)
    mended(database, quarantine_id, sale(1).model_dump(mode="json"))
    assert reposted(database, quarantine_id) == "booked"
    assert rows(database, journal, journal.c.seq, journal.c.idempotency_key) == [(1, f"quarantine-{quarantine_id}")]


def test_an_altered_body_is_booked_when_a_person_says_that_it_is_right(database: Database) -> None:
    box = outbox([sale(1)])
    body = {**box.records[0]["body"], "operator_id": "eve"}
    quarantine_id = acknowledged(database, changed(box, 1, body=body)).rejected[0].quarantine_id
    assert reposted(database, quarantine_id) == "booked"
    assert rows(database, journal, journal.c.operator_id) == [("eve",)]


def test_a_sale_of_a_copied_card_is_booked_beside_the_one_that_has_its_number(database: Database) -> None:
    acknowledged(database, outbox([sale(1)]).payload())
    other = Outbox()
    other.add(sale(1, ("1101", Quantity(1), 395)), key="other-key")
    acknowledged(database, other.payload())
    (one,) = held(database)
    assert alarm_codes(database) == ["equivocation"]
    assert reposted(database, one.id) == "booked"
    assert rows(database, journal, journal.c.epoch, journal.c.seq) == sorted([(EPOCH, 1), (one.id, 1)])
    assert on_hand(database) == {"1001": -1, "1101": -1}
    assert alarm_codes(database) == []
    # The other box begins an epoch of its own, and sends it again: it was booked.
    later = Outbox(NEXT_EPOCH)
    later.add(sale(1, ("1101", Quantity(1), 395)), key="other-key")
    assert acknowledged(database, later.payload()).rejected == []
    assert len(rows(database, journal, journal.c.id)) == 2


def test_a_contradiction_that_was_booked_in_another_epoch_meanwhile_is_closed_and_not_booked_again(
    database: Database,
) -> None:
    acknowledged(database, outbox([sale(1)]).payload())
    other, later = Outbox(), Outbox(NEXT_EPOCH)
    for box in (other, later):
        box.add(sale(1, ("1101", Quantity(1), 395)), key="other-key")
        acknowledged(database, box.payload())
    (one,) = held(database)
    assert reposted(database, one.id) == "repeated"
    assert on_hand(database) == {"1001": -1, "1101": -1}


def test_a_key_that_was_booked_with_other_content_is_not_booked_again(database: Database) -> None:
    box = Outbox()
    box.add(sale(1), key="till-key")
    box.add(sale(2), key="till-key")
    quarantine_id = acknowledged(database, box.payload()).rejected[0].quarantine_id
    with pytest.raises(StillUnfit, match="was booked with other content") as unfit:
        reposted(database, quarantine_id)
    assert unfit.value.code == "equivocation"
    with database.write() as connection:
        repost.discard(connection, quarantine_id, "anna", "rung twice by the simulator")
    assert [one.state for one in held(database)] == ["discarded"]
    assert rows(database, inbox, inbox.c.seq, inbox.c.fate) == [(1, "booked"), (2, "rejected")]


def test_what_is_not_there_or_has_no_reason_is_refused(database: Database) -> None:
    with pytest.raises(NotInQuarantine):
        reposted(database, "01JD0000000000000000000009")
    quarantine_id = quarantined(database, wrong_total())
    with database.write() as connection, pytest.raises(StillUnfit, match="say why"):
        repost.discard(connection, quarantine_id, "anna", "  ")


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("a", "1", {"a": 1, "b": [{"c": "x"}]}),
        ("b[0].c", "y z", {"a": 0, "b": [{"c": "y z"}]}),
        ("b[0]", "[]", {"a": 0, "b": [[]]}),
    ],
)
def test_a_path_leads_to_its_value(path: str, value: str, found: Any) -> None:
    assert with_value({"a": 0, "b": [{"c": "x"}]}, path, value) == found


@pytest.mark.parametrize("path", ["", "b[1]", "b.c", "a.b", "b[x]", "b[0", "c.d"])
def test_a_path_that_leads_nowhere_is_refused(path: str) -> None:
    with pytest.raises(CoreError, match="path"):
        with_value({"a": 0, "b": [{"c": "x"}]}, path, "1")


def test_differences_are_named_by_path() -> None:
    assert differences({"a": 1, "b": [1, {"c": 2}]}, {"a": True, "b": [1, {"c": 3}, 4]}) == {
        "a": [1, True], "b[1].c": [2, 3], "b[2]": [None, 4],
    }  # fmt: skip


def test_the_commands_list_show_mend_and_repost(tmp_path: Path) -> None:
    config = tmp_path / "core.toml"
    config.write_text('[core]\ndata_dir = "data"\n')
    database = open_database(f"sqlite:///{tmp_path / 'data' / 'core.db'}")
    prepare(database)
    quarantine_id = quarantined(database, wrong_total())
    database.close()

    def said(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["quarantine", *words, "--config", str(config)])
        assert result.exit_code == code, result.output
        return result.output

    assert "does_not_add_up" in said("ls")
    assert json.loads(said("show", quarantine_id))["raw"]["idempotency_key"] == "till-key"
    assert "total_minor" in said("repost", quarantine_id, code=2)
    assert "PATH=VALUE" in said("mend", quarantine_id, "--set", "total_minor", code=2)
    assert "Mended" in said("mend", quarantine_id, "--set", "total_minor=119", "--by", "anna")
    assert "Booked" in said("repost", quarantine_id)
    assert "settled before" in said("repost", quarantine_id, code=2)
    assert "waits for a person" in said("ls")
    assert json.loads(said("ls", "--all", "--json"))[0]["state"] == "booked"
    assert "nothing is in quarantine" in said("show", "x", code=2)
