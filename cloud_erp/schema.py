"""Every table of the core in one MetaData, for migrations: importing the models registers them."""

from cloud_erp.audit import model as audit
from cloud_erp.cases import model as cases
from cloud_erp.catalog import model as catalog
from cloud_erp.db import metadata
from cloud_erp.feeds import model as feeds
from cloud_erp.fleet import model as fleet
from cloud_erp.intake import model as intake
from cloud_erp.journal import model as journal
from cloud_erp.members import model as members
from cloud_erp.promotions import model as promotions
from cloud_erp.stock import model as stock
from cloud_erp.tills import model as tills
from cloud_erp.vouchers import model as vouchers

__all__ = [
    "audit",
    "cases",
    "catalog",
    "feeds",
    "fleet",
    "intake",
    "journal",
    "members",
    "metadata",
    "promotions",
    "stock",
    "tills",
    "vouchers",
]
