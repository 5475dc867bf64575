"""State-space operators: the scans and the ways through a map. They need torch alone."""

from terramamba.ops.backends import available_backends, prefer
from terramamba.ops.lti import lti_scan
from terramamba.ops.scan_paths import SCAN_PATHS
from terramamba.ops.selective_scan import selective_scan
from terramamba.ops.selective_scan_2d import selective_scan_2d

__all__ = ["SCAN_PATHS", "available_backends", "lti_scan", "prefer", "selective_scan", "selective_scan_2d"]
