"""Declared functions: which to call, with what arguments, and what to say of their answers."""
