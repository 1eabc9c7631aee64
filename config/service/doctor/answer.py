"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """A line of the report. `check` never changes, programs read it; `text` and `advice` are for a person."""

    check: str
    level: Level
    text: str
    advice: str = ""


def ok(check: str, text: str) -> Answer:
    return Answer(check, Level.OK, text)


def warning(check: str, text: str, advice: str) -> Answer:
    return Answer(check, Level.WARNING, text, advice)


def failed(check: str, text: str, advice: str) -> Answer:
    return Answer(check, Level.FAILED, text, advice)


def worst(answers: list[Answer]) -> Level:
    levels = {answer.level for answer in answers}
    return next((level for level in (Level.FAILED, Level.WARNING) if level in levels), Level.OK)
