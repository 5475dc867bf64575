"""One HTML page about runs and their map that needs no network."""

from terramamba.report.maps import MapFiles
from terramamba.report.page import write_report, write_run_pages

__all__ = ["MapFiles", "write_report", "write_run_pages"]
