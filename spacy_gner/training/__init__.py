"""Learning: from Examples to prompts and targets, loss, updates, adapters, schedules.

Nothing is imported here, so that the registered functions that a config needs
(`augmentation`, `weights`, `schedules`) can be found without loading torch.
"""
