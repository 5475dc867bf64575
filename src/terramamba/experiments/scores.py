"""The scores that tables show, by their names in a run's metrics."""

MAIN = {"classify": "oa", "change": "f1"}
"""The score that is compared, and whose interval is given."""
RANKED = {"classify": ("oa", "aa"), "change": ("f1",)}
"""The scores by which models are ranked in a summary."""
SCORES = {
    "classify": {"oa": "OA", "aa": "AA", "kappa": "kappa", "worst_class_recall": "worst class"},
    "change": {
        "f1": "F1",
        "iou": "IoU",
        "precision": "precision",
        "recall": "recall",
        "kappa": "kappa",
        "false_alarm_rate": "false alarms",
        "f1_dates_swapped": "F1, dates swapped",
    },
}
