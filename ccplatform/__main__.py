"""``python -m ccplatform``."""

from ccplatform.app.cli import main

main()
