"""Adapters that come with the package."""
