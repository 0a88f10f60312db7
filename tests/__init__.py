"""Tests of routee_async."""
