"""Tests of Routee's other products."""
