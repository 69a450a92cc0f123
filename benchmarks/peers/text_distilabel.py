"""distilabel on a local endpoint: records of numbers, one text for each."""

from __future__ import annotations

import json
import os
import sys
import tempfile

# Nothing may leave this machine: whatever is tried beyond it meets a closed port.
os.environ.update(HTTPS_PROXY="http://127.0.0.1:9", NO_PROXY="127.0.0.1")
os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", DISTILABEL_LOG_LEVEL="WARNING")

from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration


def main(url: str, rows: int, slots: int) -> None:
    """Make the rows and say how many have a text."""
    records = [{"instruction": f"Write one line, number {n * 7919 % 10**6}."} for n in range(rows)]
    with tempfile.TemporaryDirectory() as place, Pipeline("p", cache_dir=place) as pipeline:
        load = LoadDataFromDicts(data=records, batch_size=slots)
        llm = OpenAILLM(model="fake", base_url=url, api_key="none", generation_kwargs={"max_new_tokens": 50})
        load >> TextGeneration(llm=llm, input_batch_size=slots)
    found = pipeline.run(use_cache=False)["default"]["train"]
    print("RESULT " + json.dumps({"rows": sum(text is not None for text in found["generation"])}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
