"""``python -m gateway.isdn.pri``."""

import sys

from gateway.isdn.pri.program import main

sys.exit(main())
