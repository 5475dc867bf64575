"""State-space operators: two scans and the ways through a map. They need torch alone."""

from terramamba.ops.backends import available_backends
from terramamba.ops.lti import lti_scan
from terramamba.ops.scan_paths import SCAN_PATHS
from terramamba.ops.selective_scan import selective_scan

__all__ = ["SCAN_PATHS", "available_backends", "lti_scan", "selective_scan"]
