"""Evaluation runs and what is written about them: JSON, Markdown and an HTML page."""
