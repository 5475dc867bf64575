"""Models that users compare with, one small file each."""
