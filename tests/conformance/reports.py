"""What came of the cases: as a table, as JSON, as JUnit's XML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Report", "Verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a case in a place: nothing wrong, or what."""

    case: str
    place: str
    problems: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether all was as expected."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Report:
    """What came of all cases."""

    verdicts: tuple[Verdict, ...]

    @property
    def failed(self) -> tuple[Verdict, ...]:
        """Those that were not as expected."""
        return tuple(verdict for verdict in self.verdicts if not verdict.passed)

    def table(self) -> str:
        """A row for each case and a column for each place; then what was wrong, and the sum."""
        passed = len(self.verdicts) - len(self.failed)
        wrong = [
            line
            for verdict in self.failed
            for line in ("", f"{verdict.place}: {verdict.case}", *(f"  {told}" for told in verdict.problems))
        ]
        return "\n".join([*self._rows(), *wrong, "", f"{passed} of {len(self.verdicts)} passed"])

    def _rows(self) -> Iterator[str]:
        places = list(dict.fromkeys(verdict.place for verdict in self.verdicts))
        cases = list(dict.fromkeys(verdict.case for verdict in self.verdicts))
        marks = {
            (verdict.case, verdict.place): "pass" if verdict.passed else "FAIL" for verdict in self.verdicts
        }
        width = max(map(len, cases), default=0)
        for case, *cells in [
            ("", *places),
            *((case, *(marks.get((case, place), "-") for place in places)) for case in cases),
        ]:
            row = "  ".join(f"{cell:{len(place)}}" for cell, place in zip(cells, places, strict=True))
            yield f"{case:{width}}  {row}".rstrip()

    def as_json(self) -> dict[str, Any]:
        """The same for a program."""
        return {
            "passed": len(self.verdicts) - len(self.failed),
            "failed": len(self.failed),
            "verdicts": [
                {"case": one.case, "place": one.place, "problems": list(one.problems)}
                for one in self.verdicts
            ],
        }

    def as_junit(self) -> str:
        """The same for a build server, which shows it among its tests."""
        counts = {"tests": str(len(self.verdicts)), "failures": str(len(self.failed))}
        suite = ET.Element("testsuite", {"name": "Gemini conformance", **counts})
        for verdict in self.verdicts:
            case = ET.SubElement(suite, "testcase", {"classname": verdict.place, "name": verdict.case})
            if not verdict.passed:
                told = {"message": _printable(verdict.problems[0])}
                ET.SubElement(case, "failure", told).text = _printable("\n".join(verdict.problems))
        ET.indent(suite)
        return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _printable(text: str) -> str:
    """A text without what XML cannot hold."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
