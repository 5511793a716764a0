"""``python -m metrics.monitoring`` writes what is below `deploy/`; a test compares the two."""

from metrics.monitoring.files import DEPLOY, files

for name, text in files().items():
    (DEPLOY / name).write_text(text, encoding="utf-8")
