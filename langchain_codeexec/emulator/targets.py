"""What a URL addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.families import generation

if TYPE_CHECKING:
    from langchain_codeexec.gemini.transport import EndpointKind

__all__ = ["Target"]


@dataclass(frozen=True, slots=True)
class Target:
    """The service, model and method a request is for.

    Attributes:
        endpoint: Which of the two services.
        version: API version as the path spells it, `v1beta` for example.
        model: Bare model name; empty where the path names none.
        action: Method name, `generateContent` for example; empty for a GET.
        parent: `projects/…/locations/…/` on Vertex, empty in express mode and on the Developer API.
    """

    endpoint: EndpointKind
    version: str
    model: str = ""
    action: str = ""
    parent: str = ""

    @property
    def generation(self) -> int:
        """Major version of the model's family."""
        return generation(self.model)

    @property
    def signs(self) -> bool:
        """Whether the model links code and result by ids and signs its thoughts: Gemini 3 and later."""
        return self.generation >= 3  # noqa: PLR2004 -- the generation named in the line above

    @property
    def resource(self) -> str:
        """Resource name of the model."""
        if self.endpoint == "vertex":
            return f"{self.parent}publishers/google/models/{self.model}"
        return f"models/{self.model}"

    @property
    def package(self) -> str:
        """Protobuf package of the service, as its error texts name it."""
        if self.endpoint == "vertex":
            return f"google.cloud.aiplatform.{self.version}"
        return f"google.ai.generativelanguage.{self.version}"

    @property
    def host(self) -> str:
        """Host of the real service, as its error details name it."""
        return (
            "aiplatform.googleapis.com" if self.endpoint == "vertex" else "generativelanguage.googleapis.com"
        )
