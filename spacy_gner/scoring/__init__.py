"""How predictions are measured. Knows tags, words and entities, nothing of models."""
