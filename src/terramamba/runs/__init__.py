"""Run folders: written once, read in one place."""
