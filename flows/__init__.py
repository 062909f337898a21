"""The flows of newsclust; run them as modules (`python -m flows.nightly`) from the project's root."""
