"""Tests of the sandbox's inbox page."""
