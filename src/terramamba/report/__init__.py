"""One HTML page about runs and their map that needs no network."""

from terramamba.report.maps import MapFiles
from terramamba.report.page import RUN_PAGE, write_report, write_run_pages

__all__ = ["RUN_PAGE", "MapFiles", "write_report", "write_run_pages"]
