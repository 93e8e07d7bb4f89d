"""Learning: from Examples to prompts and targets, loss, updates, adapters, schedules.

Nothing is imported here, so that the registered functions that a config needs
(`augmentation`, `lora`, `loss`, `schedules`) can be found without loading torch.
"""
