"""The page of settings is that of the settings."""

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_up_to_date():
    tool = runpy.run_path(str(ROOT / "tools" / "settings_page.py"))
    text = tool["page"]()
    assert text == (ROOT / "docs" / "wave_settings.md").read_text(encoding="utf-8"), (
        "run tools/settings_page.py"
    )
    for table in tool["TABLES"].values():
        for key in table.model_fields:
            assert f"| `{key}` |" in text
