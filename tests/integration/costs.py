"""The table of what scenarios cost: PUTs, reads, Kubernetes writes and Events of each.

Printed at the end of a run with `-v`, so that a change that makes the operator busier is seen.
"""

import pytest

PROPERTY = "cost"
_COLUMNS = ("puts", "gets", "writes", "events")


def summary(reporter: pytest.TerminalReporter) -> None:
    """Print the table as Markdown, if any test measured something and `-v` was given."""
    if reporter.verbosity < 1:
        return
    rows = sorted(
        (str(figures["scenario"]), [figures[column] for column in _COLUMNS])
        for report in reporter.stats.get("", ())  # the category of setups and teardowns
        if isinstance(report, pytest.TestReport) and report.when == "teardown"
        for name, figures in report.user_properties
        if name == PROPERTY and isinstance(figures, dict)
    )
    if not rows:
        return
    reporter.section("costs", sep="-")
    reporter.write_line(f"| scenario | {' | '.join(_COLUMNS)} |")
    reporter.write_line(f"|---|{'---|' * len(_COLUMNS)}")
    for scenario, figures in rows:
        reporter.write_line(f"| {scenario} | {' | '.join(map(str, figures))} |")
