"""Questions about documents that a request hands over as files."""

from langchain_codeexec.emulator.rules.skills.documents.skill import documents, hands_over_documents, not_told

__all__ = ["documents", "hands_over_documents", "not_told"]
