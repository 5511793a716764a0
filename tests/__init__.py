"""Tests. Processes run with the environment that the supervisor gives its children; set before numpy is loaded."""

import os

from ccplatform.app.supervisor import ENVIRONMENT

os.environ.update(ENVIRONMENT)
