"""The schema's history, run by cloud_erp.db when the database opens."""
