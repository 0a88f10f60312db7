"""Tests of `routee_async/workers`."""
