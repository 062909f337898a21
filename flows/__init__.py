"""The flows of newsclust; run them as modules (`python -m flows.nightly`) from the project's root.

What must hold before Prefect is imported stands here: nothing is sent to anybody, and the first start of its
temporary server, which can take longer than its default of 20 seconds, is waited for.
"""

import os

os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
