"""Build script; everything stands in setup.cfg."""

#!/usr/bin/env python
from setuptools import setup

if __name__ == "__main__":
    # Everything that describes the package stands in setup.cfg.
    setup()
