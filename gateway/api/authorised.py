"""Bodies of commands that somebody else may have to allow."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from gateway.till.authority import Approval


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class AuthorisedBy(Body):
    """Somebody who may do what the cashier may not, with his PIN: it is done in the cashier's name."""

    operator_id: str = Field(min_length=1, max_length=64, examples=["mia"])
    pin: str = Field(min_length=1, max_length=32, repr=False, examples=["4711"])


class Reasoned(Body):
    """A command that is done for a reason, which stands in the log."""

    reason: str = Field(min_length=1, max_length=200)
    authorisation: AuthorisedBy | None = None


def approval_of(authorisation: AuthorisedBy | None) -> Approval | None:
    return Approval(authorisation.operator_id, authorisation.pin) if authorisation is not None else None
