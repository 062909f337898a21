"""Evaluation of the pipeline's stages on labelled data sets, beside baselines, with the field's measures."""
