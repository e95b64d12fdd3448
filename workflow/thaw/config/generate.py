"""Write what is made from the models: the schema for editors and the reference page.

Run it after a change to `models`: `python -m thaw.config.generate`.
"""

import json
from pathlib import Path

from thaw.config.reference import reference
from thaw.config.schema import config_schema

ROOT = Path(__file__).parents[3]


def generated() -> dict[Path, str]:
    """Return the files that are made from the models, and what they should hold."""
    schema = json.dumps(config_schema(), indent=2, ensure_ascii=False)
    return {
        ROOT / "workflow" / "schemas" / "config.schema.json": schema + "\n",
        ROOT / "docs" / "config.md": reference(),
    }


if __name__ == "__main__":
    for file, text in generated().items():
        file.write_text(text, encoding="utf-8")
