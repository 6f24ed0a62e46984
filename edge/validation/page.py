"""A validation as one HTML page that needs nothing else: the figures, and each picture where verdicts differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from edge.records import Status
from edge.validation.agreement import Agreement, Case, Rate

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 } th, td { border: 1px solid #999; padding: .3rem .7rem }
td { text-align: right } th { text-align: left; font-weight: 600 } td.text { text-align: left }
.bad { background: #f6c9bd } .off { background: #fbe7b5 }
section { border-top: 2px solid #999; margin-top: 2rem; break-inside: avoid } svg { width: 100%; height: auto }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem } dt { font-weight: 600 } dd { margin: 0 }
.sign td { width: 18rem; height: 2.5rem }
"""
_KINDS = {
    (Status.FAIL, Status.PASS): "false PASS: a bad connector passed",
    (Status.PASS, Status.FAIL): "false FAIL: a good connector failed",
    (Status.FAIL, Status.UNREADABLE): "no verdict on a bad connector",
    (Status.PASS, Status.UNREADABLE): "no verdict on a good connector",
}
"""In the order in which they are shown."""


def percent(share: float | None) -> str:
    """`1.4 %`, or a dash for none."""
    return "-" if share is None else f"{100 * share:.1f} %"


def page_of(
    agreement: Agreement, cases: Sequence[Case], about: Mapping[str, str], overlays: Mapping[str, Sequence[str]]
) -> str:
    """The page.

    Args:
        agreement: the figures.
        cases: all pictures.
        about: what was used: names and values for people.
        overlays: for pictures that are shown, by their source, an SVG element for each fibre.
    """
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><title>Ferrule: validation</title>',
        f"<style>{_STYLE}</style></head><body>",
        "<h1>Validation of verdicts</h1>",
        "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in about.items()) + "</dl>",
        _confusion(agreement),
        _figures(agreement),
        "<p>Upper bounds are one-sided, 95 %, by Clopper and Pearson; they hold if the pictures are of different "
        "connectors, drawn as they come. Limits are those of AIAG, Measurement Systems Analysis, 4th edition.</p>",
        '<table class="sign"><tr><th>name</th><th>date</th><th>signature</th></tr>'
        "<tr><td></td><td></td><td></td></tr></table>",
    ]
    differing = [case for kind in _KINDS for case in cases if (case.truth.status, case.status) == kind]
    parts.append(f"<h2>{len(differing)} of {len(cases)} pictures differ</h2>")
    parts += [_case(case, overlays.get(case.source, ())) for case in differing]
    return "\n".join([*parts, "</body></html>", ""])


def _confusion(agreement: Agreement) -> str:
    head = "".join(f"<th>{status.value}</th>" for status in Status)
    rows = []
    for truth, name in ((Status.PASS, "good"), (Status.FAIL, "bad")):
        cells = "".join(f'<td class="{_class(truth, said)}">{agreement.counts[truth, said]}</td>' for said in Status)
        rows.append(f"<tr><th>{name} ({truth.value})</th>{cells}</tr>")
    return f"<table><tr><th>right / said</th>{head}</tr>{''.join(rows)}</table>"


def _class(truth: Status, said: Status) -> str:
    return "" if truth is said else "off" if said is not Status.PASS else "bad"


def _figures(agreement: Agreement) -> str:
    kappa = "-" if agreement.kappa is None else f"{agreement.kappa:.3f}"
    rows = [
        _row("false PASS (miss rate)", agreement.false_pass, "at most"),
        _row("false FAIL (false alarm rate)", agreement.false_fail, "at most"),
        _row("no verdict (UNREADABLE)", agreement.unreadable, "at most"),
        _row("effectiveness", agreement.effective, "at least"),
        f"<tr><th>kappa of the verdicts given</th><td></td><td>{kappa}</td><td></td><td></td></tr>",
    ]
    head = "<tr><th></th><th>pictures</th><th>rate</th><th>bound</th><th>AIAG</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _row(name: str, rate: Rate, bound: str) -> str:
    return (
        f"<tr><th>{name}</th><td>{rate.n} of {rate.of}</td><td>{percent(rate.share)}</td>"
        f'<td>{bound} {percent(rate.upper)}</td><td class="text">{rate.grade}</td></tr>'
    )


def _case(case: Case, overlays: Sequence[str]) -> str:
    said = "; ".join(case.reasons) or "nothing found that fails"
    right = f"{case.truth.status.value}{': ' if case.truth.reason else ''}{case.truth.reason}"
    return (
        f"<section><h3>{escape(case.source)}</h3><p>{_KINDS[case.truth.status, case.status]}</p><dl>"
        f"<dt>right</dt><dd>{escape(right)}</dd><dt>said</dt><dd>{case.status.value}: {escape(said)}</dd></dl>"
        f"{''.join(overlays)}</section>"
    )
