"""Whether a connector passes, and why: findings and criteria in, a `Verdict` out."""

from edge.judge.breaches import zone_of
from edge.judge.fibre import AUTO, DEFAULT_CRITERIA, Auto, fibre_problem, load_any, load_auto, open_profiles, profile_of
from edge.judge.profiles import FIRST_CRITERIA, Criteria, list_criteria, load_criteria
from edge.judge.readings import believed_name
from edge.judge.verdict import connector_status, judge, judge_badly_seen, unreadable

__all__ = [
    "AUTO",
    "DEFAULT_CRITERIA",
    "FIRST_CRITERIA",
    "Auto",
    "Criteria",
    "believed_name",
    "connector_status",
    "fibre_problem",
    "judge",
    "judge_badly_seen",
    "list_criteria",
    "load_any",
    "load_auto",
    "load_criteria",
    "open_profiles",
    "profile_of",
    "unreadable",
    "zone_of",
]
