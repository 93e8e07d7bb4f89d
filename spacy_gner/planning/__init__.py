"""From a Doc to the prompts that are asked about it, within the token budget of the model."""
