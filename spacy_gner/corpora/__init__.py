"""Corpora in, Examples out: readers for BIO, inline and Pile-NER data, and their mixture."""
