"""The pages and the door before them, in this process: what each answers, and to whom."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from cloud_erp.app import Core, build_web
from cloud_erp.config import load
from cloud_erp.fleet import alarms
from cloud_erp.fleet.model import gateway
from cloud_erp.intake import service as intake
from cloud_erp.web.live import Pulse
from cloud_erp.web.security import local_path
from cloud_erp.web.shell import age
from retail.units import Quantity, Weight
from tests.cloud_erp.batches import BEGAN, EPOCH, GATEWAY, NEXT_EPOCH, STORE, Outbox, outbox, sale

TOKEN = "a-token-of-some-length"
DAY = BEGAN.date().isoformat()
SALE = f"/sales/{GATEWAY}/{EPOCH}/1"


def core_in(folder: Path, prepared: Path, web: str = "") -> Core:
    """`prepared` is the file of conftest.py, with its gateway under another name."""
    (folder / "token").write_text(TOKEN + "\n")
    (folder / "core.toml").write_text(f'[core]\ndata_dir = "data"\nname = "Sample & Sons"\n[web]\nport = 8090\n{web}')
    (folder / "data").mkdir()
    shutil.copyfile(prepared, folder / "data" / "core.db")
    core = Core(load(folder / "core.toml"))
    with core.database.write() as connection:
        connection.execute(update(gateway).values(name="Berlin <Mitte>"))
    goods = [("1208", Quantity(2), 219), ("2001", Weight(450), 199)]
    box = outbox([sale(1, *goods), sale(2, ("0815", Quantity(1), 1)), sale(3, training_flag=True)])  # type: ignore[arg-type]
    with core.database.write() as connection:
        assert intake.book(connection, GATEWAY, box.payload()) is not None
        alarms.raise_alarm(connection, GATEWAY, "test", "<script>alert(1)</script>")
    return core


def client_of(core: Core) -> httpx.AsyncClient:
    web = build_web(core, Pulse(core.database, {}))
    return httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url="http://127.0.0.1:8090")


@pytest.fixture
async def client(tmp_path: Path, sqlite_file: Path) -> AsyncIterator[httpx.AsyncClient]:
    core = core_in(tmp_path, sqlite_file)
    async with client_of(core) as made:
        yield made
    core.database.close()


@pytest.fixture
async def guarded(tmp_path: Path, sqlite_file: Path) -> AsyncIterator[httpx.AsyncClient]:
    core = core_in(tmp_path, sqlite_file, 'host = "0.0.0.0"\ntoken_file = "token"\n')
    async with client_of(core) as made:
        yield made
    core.database.close()


@pytest.mark.parametrize(
    ("path", "shows"),
    [
        (f"/?day={DAY}", "€5.28"),
        (f"/?day={DAY}", "training"),
        ("/?day=2020-01-01", f"/?day={DAY}"),
        ("/?day=nonsense", "Latest sales"),
        (SALE, "0.450 kg"),
        ("/stores", "Berlin &lt;Mitte&gt;"),
        ("/stores", "&lt;script&gt;"),
        ("/stock?store=S0421", "-0.450 kg"),
        ("/stock?item=河粉", "1208"),
        ("/stock?item=%25", "No position matches"),
        ("/catalogue?search=4001234000107", "Whole milk"),
        ("/catalogue?search=nothing", "Show all"),
        ("/quarantine", "unknown_item"),
        ("/quarantine", "Sample &amp; Sons"),
    ],
)
async def test_a_page_shows_what_it_is_for(client: httpx.AsyncClient, path: str, shows: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert shows in answer.text
    assert "<script>" not in answer.text


async def test_the_live_part_is_the_pages_own_lines_and_nothing_else(client: httpx.AsyncClient) -> None:
    for path in (f"/?day={DAY}", "/stores", "/stock", "/quarantine"):
        whole = (await client.get(path)).text
        part = (await client.get(path, params={**dict(httpx.URL(path).params), "part": "live"})).text
        assert "<html" not in part
        assert "<table" in part
        assert ageless(part) in ageless(whole)


def ageless(html: str) -> str:
    """Without blanks, and without how long ago something was, which grows between two answers."""
    return "".join(re.sub(r">[^<>]* ago<", "><", html).split())


async def test_a_quarantined_record_is_shown_raw(client: httpx.AsyncClient) -> None:
    (row,) = (await client.get("/v1/quarantine")).json()["quarantine"]
    answer = await client.get(f"/quarantine/{row['id']}")
    assert "item 0815 is not in the catalogue" in answer.text
    assert "idempotency_key" in answer.text


async def test_the_json_interface_tells_the_same(client: httpx.AsyncClient) -> None:
    first = (await client.get("/v1/sales", params={"limit": 1})).json()
    assert [one["sequence_number"] for one in first["sales"]] == [1]
    rest = (await client.get("/v1/sales", params={"since_id": first["last_id"]})).json()
    assert [one["training"] for one in rest["sales"]] == [True]
    detail = (await client.get(f"/v1{SALE}")).json()
    assert (detail["body"]["total_minor"], detail["record"]["clock_state"]) == (528, "synced")
    stock = (await client.get("/v1/stock", params={"item": "bananas"})).json()["stock"]
    assert [(one["on_hand"], one["unit"]) for one in stock] == [(-450, "kg")]
    items = (await client.get("/v1/items")).json()
    assert (items["version"], len(items["items"])) == (1, 43)
    days = (await client.get("/v1/store-days", params={"day": DAY})).json()["store_days"]
    assert [(day["sales"], day["total_minor"]) for day in days] == [(1, 528)]
    fleet = (await client.get("/v1/fleet")).json()
    assert (fleet["gateways"][0]["contiguous_seq"], len(fleet["alarms"])) == (3, 1)


async def test_health_says_503_while_the_broker_is_away(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/health")
    assert answer.status_code == 503
    assert answer.json() | {"core_incarnation": "", "software": ""} == {
        "ok": False, "database": "ok", "mqtt": "away", "core_incarnation": "", "sales_mark": 2, "software": "",
    }  # fmt: skip


async def test_openapi_describes_every_program_interface(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/v1/openapi.json")).json()["paths"]
    assert {"/v1/sales", "/v1/stock", "/v1/fleet", "/v1/quarantine", "/v1/items", "/v1/health"} <= set(paths)
    changing = {path for path, methods in paths.items() if set(methods) != {"get"}}
    settling = {"/v1/cases/{case_id}/settle"}
    assert changing == settling | {f"/v1/quarantine/{{quarantine_id}}/{word}" for word in ("mend", "repost", "discard")}


@pytest.mark.parametrize("path", ["/nowhere", f"/sales/{GATEWAY}/{EPOCH}/99", "/quarantine/x", "/events/nothing"])
async def test_what_is_not_there_is_told_on_a_page(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert "Go to Today" in answer.text


@pytest.mark.parametrize("seq", ["0", "-1", "99999999999999999999999"])
async def test_a_sale_that_cannot_be_is_not_found(client: httpx.AsyncClient, seq: str) -> None:
    assert (await client.get(f"/v1/sales/{GATEWAY}/{EPOCH}/{seq}")).status_code == 404


@pytest.mark.parametrize("query", ["since_id=-1", "since_id=99999999999999999999999", "limit=0", "limit=x"])
async def test_a_number_that_cannot_be_is_refused(client: httpx.AsyncClient, query: str) -> None:
    assert (await client.get(f"/v1/sales?{query}")).status_code == 422


async def test_answers_carry_the_headers_that_keep_foreign_code_out(client: httpx.AsyncClient) -> None:
    for path in ("/", "/static/hq.js", "/v1/items", "/nowhere"):
        headers = (await client.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"


async def test_a_foreign_name_for_this_machine_is_not_answered(client: httpx.AsyncClient) -> None:
    # DNS rebinding: a foreign page's own name that resolves to 127.0.0.1
    for host in ("evil.example", "evil.example:8090", "127.0.0.1.evil.example"):
        assert (await client.get("/v1/sales", headers={"Host": host})).status_code == 421
    assert (await client.get("/v1/sales", headers={"Host": "localhost:8090"})).status_code == 200


async def test_a_change_is_taken_from_own_pages_only(client: httpx.AsyncClient) -> None:
    (alarm,) = (await client.get("/v1/fleet")).json()["alarms"]
    path = f"/stores/alarms/{alarm['id']}/clear"
    assert (await client.get(path)).status_code == 405
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await client.post(path, headers=headers)).status_code == 403
    answer = await client.post(path, headers={"Origin": "http://127.0.0.1:8090", "Sec-Fetch-Site": "same-origin"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/stores")
    assert (await client.get("/v1/fleet")).json()["alarms"] == []
    assert (await client.post(path)).status_code == 404


async def test_with_a_token_nothing_is_shown_without_it(guarded: httpx.AsyncClient) -> None:
    for path in ("/v1/sales", "/v1/openapi.json", "/v1/fleet"):
        assert (await guarded.get(path)).status_code == 401
        wrong = await guarded.get(path, headers={"Authorization": "Bearer wrong"})
        assert wrong.status_code == 401
    for path in ("/", "/stores", "/events/sales", SALE):
        answer = await guarded.get(path)
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/login")
    assert (await guarded.get("/v1/health")).status_code == 503
    right = await guarded.get("/v1/sales", headers={"Authorization": f"Bearer {TOKEN}"})
    assert right.status_code == 200


async def test_a_person_logs_in_once_and_out_again(guarded: httpx.AsyncClient) -> None:
    page = await guarded.get("/login?next=/stock")
    assert 'value="/stock"' in page.text
    assert (await guarded.post("/login", data={"token": "wrong", "target": "/stock"})).status_code == 401
    answer = await guarded.post("/login", data={"token": TOKEN, "target": "/stock"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/stock")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert TOKEN not in cookie
    assert (await guarded.get("/stock")).status_code == 200
    await guarded.post("/logout")
    assert (await guarded.get("/stock")).status_code == 303


@pytest.mark.parametrize(
    ("target", "goes_to"),
    [("/stock?item=1", "/stock?item=1"), ("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil", "/")],
)
def test_a_login_leads_to_own_pages_only(target: str, goes_to: str) -> None:
    assert local_path(target) == goes_to


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-3, "0 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h"), (90_000, "25 h"), (180_000, "2 days")],
)
def test_an_age_is_what_a_glance_needs(seconds: float, said: str) -> None:
    assert age(seconds) == said


async def quarantined_id(client: httpx.AsyncClient) -> str:
    (row,) = (await client.get("/v1/quarantine", params={"state": "open"})).json()["quarantine"]
    return str(row["id"])


async def test_a_program_mends_and_reposts_and_hears_which_field_is_wrong(client: httpx.AsyncClient) -> None:
    address = f"/v1/quarantine/{await quarantined_id(client)}"
    body = (await client.get(SALE.replace("/sales", "/v1/sales"))).json()["body"]
    bad = await client.post(f"{address}/mend", json={"body": {**body, "total_minor": 1}})
    assert bad.status_code == 422
    assert bad.json()["detail"]["code"] == "does_not_add_up"
    assert {fault["field"] for fault in bad.json()["detail"]["faults"]} == {"total_minor", "line_items"}
    assert (await client.post(f"{address}/repost", json={})).status_code == 422
    good = await client.post(f"{address}/mend", json={"body": {**body, "sequence_number": 2}, "by": "anna"})
    assert (good.status_code, good.json()["state"]) == (200, "open")
    done = await client.post(f"{address}/repost", json={"by": "anna"})
    assert (done.status_code, done.json()["state"], len(done.json()["changes"])) == (200, "booked", 2)
    assert (await client.post(f"{address}/repost", json={})).status_code == 409
    assert (await client.post("/v1/quarantine/x/discard", json={"reason": "none"})).status_code == 404
    assert (await client.get("/v1/quarantine", params={"state": "open"})).json() == {"quarantine": []}


async def test_a_person_mends_on_the_page_and_what_was_typed_stays_when_it_is_wrong(client: httpx.AsyncClient) -> None:
    page = f"/quarantine/{await quarantined_id(client)}"
    wrong = await client.post(f"{page}/repost", data={"text": "{not json", "by": "anna"})
    assert wrong.status_code == 422
    assert "{not json" in wrong.text
    assert "is not JSON" in wrong.text
    assert (await client.post(f"{page}/discard", data={"reason": " ", "by": "anna"})).status_code == 422
    done = await client.post(f"{page}/discard", data={"reason": "a <b>test</b> sale", "by": "anna"})
    assert (done.status_code, done.headers["location"]) == (303, page)
    shown = (await client.get(page)).text
    assert "a &lt;b&gt;test&lt;/b&gt; sale" in shown
    assert "<textarea" not in shown
    assert "unknown_item" not in (await client.get("/quarantine")).text
    assert "discarded" in (await client.get("/quarantine", params={"settled": "true"})).text


async def test_audit_records_are_on_their_page_and_for_programs(tmp_path: Path, sqlite_file: Path) -> None:
    core = core_in(tmp_path, sqlite_file)
    box = Outbox(NEXT_EPOCH)
    said = {"code": "new_epoch", "severity": "error", "text": "<b>restored</b>", "facts": {"carried_over": 3}}
    box.add({"type": "AuditRecord", "at": BEGAN.isoformat(), "store_id": STORE, **said}, kind="AuditRecord")
    with core.database.write() as connection:
        assert intake.book(connection, GATEWAY, box.payload()) is not None
    async with client_of(core) as client:
        (record,) = (await client.get("/v1/audit", params={"gateway": GATEWAY})).json()["audit"]
        assert (record["code"], record["facts"]) == ("new_epoch", {"carried_over": 3})
        page = (await client.get("/stores/audit")).text
        assert "&lt;b&gt;restored" in page
        assert "carried_over" in page
        assert "Nothing on record of S9" in (await client.get("/stores/audit?gateway=S9")).text
    core.database.close()
