"""Answers that are computed from documents, and where each of their figures comes from."""
