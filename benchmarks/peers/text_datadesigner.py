"""Data Designer on a local endpoint: one sampled column and one text column."""

from __future__ import annotations

import json
import os
import sys
import tempfile

# Nothing may leave this machine: whatever is tried beyond it meets a closed port.
os.environ.update(HTTPS_PROXY="http://127.0.0.1:9", NO_PROXY="127.0.0.1")
os.environ.update(NEMO_TELEMETRY_ENABLED="false", HF_HUB_OFFLINE="1", DATA_DESIGNER_HOME=tempfile.mkdtemp())

import data_designer.config as dd
from data_designer.interface import DataDesigner


def main(url: str, rows: int, slots: int) -> None:
    """Make the rows and say how many came."""
    provider = dd.ModelProvider(name="local", endpoint=url, provider_type="openai", api_key="none")
    limits = dd.ChatCompletionInferenceParams(max_tokens=50, max_parallel_requests=slots)
    model = dd.ModelConfig(
        alias="m", model="fake", provider="local", inference_parameters=limits, skip_health_check=True
    )
    builder = dd.DataDesignerConfigBuilder(model_configs=[model])
    numbers = dd.UniformSamplerParams(low=0, high=10**6)
    builder.add_column(dd.SamplerColumnConfig(name="n", sampler_type=dd.SamplerType.UNIFORM, params=numbers))
    builder.add_column(
        dd.LLMTextColumnConfig(name="line", model_alias="m", prompt="Write one line, number {{ n }}.")
    )
    with tempfile.TemporaryDirectory() as place:
        designer = DataDesigner(artifact_path=place, model_providers=[provider])
        made = designer.create(builder, num_records=rows).load_dataset()
    print("RESULT " + json.dumps({"rows": len(made)}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
