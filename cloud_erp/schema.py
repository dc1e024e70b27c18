"""Every table of the core in one MetaData, for migrations: importing the models registers them."""

from cloud_erp.audit import model as audit
from cloud_erp.catalog import model as catalog
from cloud_erp.db import metadata
from cloud_erp.fleet import model as fleet
from cloud_erp.intake import model as intake
from cloud_erp.journal import model as journal
from cloud_erp.stock import model as stock

__all__ = ["audit", "catalog", "fleet", "intake", "journal", "metadata", "stock"]
