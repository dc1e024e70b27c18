"""`python -m cloud_erp` is `backroom-core`."""

from cloud_erp.cli import main

if __name__ == "__main__":
    main()
