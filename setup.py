#!/usr/bin/env python
"""Build script; everything stands in setup.cfg."""

from setuptools import setup

if __name__ == "__main__":
    setup()
