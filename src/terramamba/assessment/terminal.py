"""What a terminal shows of an assessment: a row for each class, accuracies and areas with intervals."""

from terramamba.assessment.assess import Assessment
from terramamba.assessment.reference_points import DrawnPoints
from terramamba.core.display import Shown, Table, in_percent
from terramamba.scores.area_estimation import Estimate


def assessment_shown(found: Assessment) -> Shown:
    """Return the table of classes, with the overall accuracy and the notes below."""
    estimates = found.estimates
    rows = [
        (
            name,
            str(int(found.counts[i].sum())),
            _percent(estimates.users[i]),
            _percent(estimates.producers[i]),
            f"{found.mapped[i]:,.2f}",
            f"{estimates.areas[i].value:,.2f}",
            f"{estimates.areas[i].margin:,.2f}",
        )
        for i, name in enumerate(found.names)
    ]
    columns = ("class", "points", "user's, %", "producer's, %", "mapped", "estimated", "+-")
    title = f"accuracy, and {found.unit}, with 95 % intervals"
    facts = {
        "overall accuracy": f"{_percent(estimates.overall)} %",
        "points": f"{int(found.counts.sum()):,}",
        "map": found.map,
    }
    if found.notes:
        facts["notes"] = "\n".join(found.notes)
    return Shown((Table(title, columns, tuple(rows)),), facts)


def points_shown(drawn: DrawnPoints) -> Shown:
    """Return how many points were drawn of each class, and what to do with them."""
    rows = tuple(
        (entry.name, f"{entry.pixels:,}", str(drawn.by_class[entry.value])) for entry in drawn.map.classes
    )
    facts = {
        "written": drawn.out,
        "next": "write what is really there into the attribute reference of each point, without a look at the"
        " map; then assess",
    }
    return Shown((Table("points drawn", ("class", "pixels", "points"), rows),), facts)


def _percent(estimate: Estimate) -> str:
    if estimate.value is None or estimate.margin is None:
        return ""
    return f"{in_percent(estimate.value)} +- {in_percent(estimate.margin)}"
