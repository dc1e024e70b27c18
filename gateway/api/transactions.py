"""`/v1/transactions`: a shop's own POS posts a finished sale and gets its answer after the commit, never before."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, Field
from starlette.responses import Response

from gateway.api.operations import Call, NoSuchThing, Operation, within
from gateway.api.problems import Problem, of_fields
from gateway.api.scopes import Scope
from gateway.queue.outbox import Outbox
from gateway.till.posting import Posting
from retail.sale import RetailTransaction

KEY = re.compile(r"[\x21-\x7e]{1,128}")


class Kept(BaseModel):
    """The sale is on this box's disk. state: `acked` once headquarters booked it, `rejected` if it is in quarantine."""

    idempotency_key: str
    epoch: str
    seq: int
    state: Literal["unacked", "acked", "rejected"]
    repeated: bool = Field(description="this key was posted before with the same content; nothing new was written")


class Stored(BaseModel):
    idempotency_key: str
    epoch: str
    seq: int
    state: Literal["unacked", "acked", "rejected"]
    rejected_code: str | None
    quarantine_id: str | None
    kept_utc: str
    transaction: dict[str, Any]


EXAMPLE: dict[str, Any] = {
    "transaction_type": "RetailTransaction",
    "store_id": "S0421",
    "workstation_id": "own-1",
    "sequence_number": 17,
    "business_day_date": "2026-11-22",
    "operator_id": "anna",
    "begin_date_time": "2026-11-22T09:29:41.000Z",
    "end_date_time": "2026-11-22T09:30:02.500Z",
    "currency": "EUR",
    "line_items": [
        {
            "type": "Sale",
            "line_number": 1,
            "item_id": "1001",
            "description": "Whole milk 1 l",
            "scanned_code": "4006381333931",
            "entry_method": "scanned",
            "quantity": 2,
            "unit_price_minor": 119,
            "extended_amount_minor": 238,
            "tax_code": "B",
        },
        {
            "type": "Tax",
            "line_number": 2,
            "tax_code": "B",
            "rate_basis_points": 700,
            "taxable_amount_minor": 238,
            "tax_amount_minor": 16,
        },
        {"type": "Tender", "line_number": 3, "tender_type": "Cash", "amount_minor": 500, "change_minor": 262},
    ],
    "total_minor": 238,
}


class _Transactions:
    def __init__(self, posting: Posting, outbox: Outbox) -> None:
        self._posting = posting
        self._outbox = outbox

    async def post(self, call: Call) -> BaseModel | Response:
        key = call.request.headers.get("idempotency-key", "")
        if not KEY.fullmatch(key):
            return Problem(
                title="Idempotency-Key",
                status=400,
                detail="send the header Idempotency-Key: one new key (such as a UUIDv7) for each transaction,"
                " and the same key when you post that transaction again",
                reason="no_idempotency_key",
            ).response()
        wants_receipt = call.request.query_params.get("print", "false") == "true"
        posted = await self._posting.post(key, call.body, wants_receipt)
        if posted.kept is None:
            return of_fields(posted.faults).response()
        row = self._outbox.state_of(key)
        assert row is not None  # noqa: S101  it was committed just now
        kept = Kept(
            idempotency_key=key,
            epoch=row["epoch"],
            seq=row["seq"],
            state=row["state"],
            repeated=posted.kept.repeated,
        )
        status = 200 if kept.repeated else 201
        headers = {"Location": f"/v1/transactions/{key}"}
        return Response(kept.model_dump_json(), status_code=status, media_type="application/json", headers=headers)

    async def show(self, call: Call) -> Stored:
        key = call.path("key")
        row = self._outbox.state_of(key)
        if row is None:
            raise NoSuchThing(f"no transaction with idempotency key {key} was ever kept here")
        return Stored(
            idempotency_key=key,
            epoch=row["epoch"],
            seq=row["seq"],
            state=row["state"],
            rejected_code=row["rejected_code"],
            quarantine_id=row["quarantine_id"],
            kept_utc=row["wall_utc"],
            transaction=RetailTransaction.model_validate_json(row["body"]).model_dump(mode="json"),
        )


def operations(posting: Posting, outbox: Outbox) -> list[Operation]:
    transactions = _Transactions(posting, outbox)
    listed = [
        Operation(
            "POST",
            "/v1/transactions",
            "Keep a finished sale",
            transactions.post,
            description="Answers 201 once the sale is on disk (fsync), 200 if this key was kept before with the same"
            " content. On a timeout or a 5xx post it again under the same key: it is booked once.",
            body=RetailTransaction,
            answer=Kept,
            status=201,
            headers={"Idempotency-Key": "1 to 128 printable ASCII characters; a UUIDv7 is a good one"},
            query={"print": "`true`: print the receipt on the workstation's printer"},
            problems=(400, 409, 413, 422, 503, 507),
            example=EXAMPLE,
        ),
        Operation(
            "GET",
            "/v1/transactions/{key}",
            "A kept sale and whether headquarters has it",
            transactions.show,
            answer=Stored,
            problems=(404,),
        ),
    ]
    return within(Scope.SELL, listed)
