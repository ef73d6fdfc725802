"""Two runs of the tests may go side by side on one machine, each with its own CENTRALINO_TEST_PORT_OFFSET."""

import os

MOVED_BY = int(os.environ.get("CENTRALINO_TEST_PORT_OFFSET", "0"))
"""Added to every port that a test chooses."""
