"""Tests of the sandbox's control API."""
