"""`make deb`: what is in the package, and what it does to a Debian that it comes to, changes and leaves."""
