"""Asyncio client for Routee's SMS API."""
