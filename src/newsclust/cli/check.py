"""`newsclust check`: everything that a night needs, judged before the first fetch."""

import os
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from newsclust.cli.shared import Config, console, settings_of
from newsclust.errors import SettingsError
from newsclust.text.sanitize import strip_controls

if TYPE_CHECKING:
    from newsclust.preflight import Finding

_STYLES = {"ok": "green", "note": "cyan", "warning": "yellow", "problem": "bold red"}


def check(config: Config = None) -> None:
    """Judge whether a night can be lived: settings, stages, feeds, secrets, files, disk, model, clock, Prefect.

    Nothing is fetched and nothing is changed. Ends with 2 when there is a problem; warnings are none.
    """
    from newsclust.preflight import Finding, Outcome, check_all
    from newsclust.settings import settings_file

    settings, source = settings_of(config), settings_file(config)
    read = (
        f"{source}" if source.is_file() else f"there is no {source}: the defaults, and NEWSCLUST_* in the environment"
    )
    findings = [
        Finding(subject="settings", outcome=Outcome.OK, text=read),
        *check_all(settings, datetime.now(UTC), os.environ),
    ]
    print_findings(findings)
    counts = Counter(finding.outcome for finding in findings)
    if problems := counts[Outcome.PROBLEM]:
        raise SettingsError(f"{problems} of {len(findings)} checks found a problem: no night can be lived")
    warnings = counts[Outcome.WARNING]
    print(f"A night can be lived: {counts[Outcome.OK]} ok, {warnings} warning{'' if warnings == 1 else 's'}.")


def print_findings(findings: "list[Finding]") -> None:
    """Print a line a finding, with what mends it under it."""
    from rich.markup import escape
    from rich.table import Table

    shown = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    shown.add_column(no_wrap=True)
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for finding in findings:
        lines = [escape(strip_controls(finding.text))]
        if finding.mend:
            lines.append(f"[dim]mend:[/dim] {escape(strip_controls(finding.mend))}")
        style = _STYLES[finding.outcome]
        shown.add_row(f"[{style}]{finding.outcome}[/{style}]", escape(finding.subject), "\n".join(lines))
    console().print(shown)
