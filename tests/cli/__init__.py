"""Tests of the command `routee`."""
