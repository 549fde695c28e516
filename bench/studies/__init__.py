"""Studies: what a run finds out from a job's stored vectors besides its scores, by the names that task cards use."""

from __future__ import annotations

from typing import Any

from bench.studies.controls import ControlStudy
from bench.studies.fidelity import FidelityStudy
from bench.studies.rerank import RerankStudy
from bench.studies.study import Study
from bench.tasks.card import StudyName

STUDIES: dict[StudyName, Study[Any, Any]] = {
    "controls": ControlStudy(),
    "fidelity": FidelityStudy(),
    "rerank": RerankStudy(),
}
