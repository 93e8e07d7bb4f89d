"""From prompts to outputs: the decoders, and the sessions that feed a model."""
