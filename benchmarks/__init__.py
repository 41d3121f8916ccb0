"""Programs that measure speed and quality; see README.md in this folder. Not installed with the package."""
