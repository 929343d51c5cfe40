"""The rule-based brain: offline answers from real runs of code that rules wrote, and no language model.

`brain` reads the conversation and picks a way to answer; `skills` turn questions into programs;
`functions` choose declared functions and find their arguments in the text.
"""

from langchain_codeexec.emulator.rules.brain import RuleBrain

__all__ = ["RuleBrain"]
