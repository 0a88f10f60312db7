"""Tests of the ledger: real files, real SQLite, real kills."""
