"""Tests of the sandbox, each file by itself."""
