"""The feeds, and what stands behind the rows of members, coupons and vouchers, as JSON."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from cloud_erp.feeds import service
from cloud_erp.feeds.service import FeedView
from cloud_erp.members import service as members
from cloud_erp.members.service import MemberView
from cloud_erp.promotions import coupons
from cloud_erp.promotions.coupons import CouponView
from cloud_erp.vouchers import service as vouchers
from cloud_erp.vouchers.service import VoucherView
from cloud_erp.web.shell import Office


class FeedList(BaseModel):
    feeds: list[FeedView]


def router(office: Office) -> APIRouter:
    routes = APIRouter()

    @routes.get("/v1/feeds", tags=["feeds"])
    def feeds() -> FeedList:
        """Every feed to the stores with the version in force."""
        with office.database.read() as connection:
            return FeedList(feeds=service.listed(connection))

    @routes.get("/v1/members/{member_id}", tags=["members"])
    def member(member_id: str) -> MemberView:
        """A member's points, with every movement that was booked."""
        with office.database.read() as connection:
            found = members.one(connection, member_id)
        if found is None:
            raise HTTPException(404, f"there is no member {member_id}")
        return found

    @routes.get("/v1/coupons/{coupon_id}", tags=["promotions"])
    def coupon(coupon_id: str) -> CouponView:
        """A coupon, how often it was used, and where."""
        with office.database.read() as connection:
            found = coupons.one(connection, coupon_id)
        if found is None:
            raise HTTPException(404, f"there is no coupon {coupon_id}")
        return found

    @routes.get("/v1/vouchers/{voucher_id}", tags=["vouchers"])
    def voucher(voucher_id: str) -> VoucherView:
        """What a voucher is worth, with every issue and spending."""
        with office.database.read() as connection:
            found = vouchers.one(connection, voucher_id)
        if found is None:
            raise HTTPException(404, f"there is no voucher {voucher_id}")
        return found

    return routes
