"""The encrypted part ``answers.json`` of a dossier: who asks, and what the form says."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

ANSWERS = "answers.json"
TEXT = "text.json"
COPY = "copy.pdf"


class Person(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    full_name: str = Field(min_length=1)
    citizen_number: str = ""
    birth_date: date | None = None


class Answers(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    applicant: Person
    answers: dict[str, Any] = {}
