"""What everything stands on: errors, files, progress, devices, processes, provenance, words."""
