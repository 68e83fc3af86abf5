"""Jobs and answers as JSON, for those who work in another process."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flowlift.batch.job import Answer, Failure, Job, MadeFile, Work


def words_of_job(job: Job) -> dict[str, Any]:
    """A job as plain values."""
    overlay = None if job.overlay is None else str(job.overlay)
    return asdict(job) | {"paths": [str(path) for path in job.paths], "overlay": overlay}


def job_of(words: Mapping[str, Any]) -> Job:
    """What `words_of_job` made, back."""
    overlay = None if words["overlay"] is None else Path(words["overlay"])
    paths = tuple(Path(path) for path in words["paths"])
    return Job(words["source"], paths, words["format"], overlay, words["name"], words["shows_video"])


def words_of_answer(answer: Answer) -> dict[str, Any]:
    """An answer as plain values. Its files lie on a disk that both sides see."""
    if isinstance(answer, Failure):
        return asdict(answer)
    files = [asdict(file) | {"path": str(file.path), "content": str(file.content)} for file in answer.files]
    return asdict(answer) | {"files": files}


def answer_of(words: Mapping[str, Any]) -> Answer:
    """What `words_of_answer` made, back."""
    if "error" in words:
        return Failure(words["error"], words["again"], words["lost"])
    files = tuple(
        MadeFile(Path(file["path"]), Path(file["content"]), file["size"], file["sha256"]) for file in words["files"]
    )
    return Work(files, words["frames"], words["people"], tuple((kind, text) for kind, text in words["notes"]))
