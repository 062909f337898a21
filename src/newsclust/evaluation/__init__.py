"""How good is it? The pipeline's own stages on labelled sets, beside the baselines, with the field's measures."""
