"""The filters of all templates, of pages as of texts: they say in words what a record has."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sessions.reporting.common_causes import alike, known_apart, number_of_tests, say_cause
from sessions.reporting.record_view import changes_to_tests, passed, say_best_set, say_hint
from sessions.reporting.reproduction import reproduction
from sessions.reporting.soaks import say_soaks, say_what_it_brings
from sessions.reporting.verdicts import verdict_text
from sessions.terminal.durations import say_duration
from sessions.terminal.ticket_numbers import file_name, name_ticket

SHARED_FILTERS: Mapping[str, Callable[..., object]] = {
    "verdict_text": verdict_text,
    "ticket_name": name_ticket,
    "file_name": file_name,
    "span": say_duration,
    "reproduction": reproduction,
    "passed": passed,
    "changes_to_tests": changes_to_tests,
    "best_set": say_best_set,
    "hint": say_hint,
    "alike": alike,
    "number_of_tests": number_of_tests,
    "known_apart": known_apart,
    "cause": say_cause,
    "soaks": say_soaks,
    "brought": say_what_it_brings,
}
