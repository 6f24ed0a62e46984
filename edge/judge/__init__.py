"""Whether a connector passes, and why: findings and criteria in, a `Verdict` out."""

from edge.judge.breaches import zone_of
from edge.judge.profiles import DEFAULT_CRITERIA, Criteria, list_criteria, load_criteria
from edge.judge.readings import believed_name
from edge.judge.verdict import connector_status, judge, judge_badly_seen, unreadable

__all__ = [
    "DEFAULT_CRITERIA",
    "Criteria",
    "believed_name",
    "connector_status",
    "judge",
    "judge_badly_seen",
    "list_criteria",
    "load_criteria",
    "unreadable",
    "zone_of",
]
