"""Arithmetic expressions in symbols and words."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.numerals import NUMBER, literal
from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.question import Question
from langchain_codeexec.emulator.rules.solution import Solution, program

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["arithmetic", "expression_in", "formula_in"]

_LONGEST = 400  # characters; keeps nesting far from the recursion limit
_HUGE = 1000  # an exponent or factorial from here on may print more digits than Python's default limit
_TOO_DEEP = (SyntaxError, ValueError, RecursionError, MemoryError)

_LEAD = phrase(
    r"^(?:please|hi|hello|hey|ok|okay|so|now|then|and|well|thanks|also|first|next|question:)\b[,.!:]?\s*"
    r"|^(?:can|could|would|will) you\s+"
    r"|^(?:i (?:want|need|would like)|i'd like)(?: you)? to\s+"
    r"|^use (?:the )?(?:python|code|code execution)(?: tool)? (?:to|and)\s+"
    r"|^(?:write|generate|run|execute)(?: and (?:run|execute))?(?: some| a)?(?: python)?"
    r"(?: code| program| script)? (?:to|that|which)\s+"
    r"|^(?:tell me|know|say)\b(?: what| how much)?\s*|^(?:give|show|get) me\s+|^just\s+"
    r"|^(?:what|how much)(?:'s| is| are| was| does| do)?\b\s*"
    r"|^(?:calculates?|computes?|evaluates?|find|solve)\b:?\s*"
    r"|^(?:work|figure) out\s+|^(?:determines?|do|get|is|of|answer|math:|quick math:)(?=\W)\s*"
    r"|^the (?:value|result|answer|outcome|total)(?: of| to| for)?\s+"
    r"|^the (?=square|cube|absolute|natural|remainder|sum|product|difference|quotient|factorial)"
    r"|^the (?=sine|cosine|tangent|double|log)"
)
_TAIL = phrase(
    r"(?:[?.;:,]|\s|(?<![\d)])!|=\s*\??)+$"
    r"|,?\s+(?:please|for me|exactly|equals?|equal to|is|be|make|come to|give me|come out to|in total|to me)$"
    r"|,?\s+(?:using|with|by|via|in) (?:the )?(?:python|code|code execution|a program|the tool).*$"
    r"|,?\s+and (?:print|show|tell me|give me|explain|return|use|run)\b.*$"
)

_OPERAND = rf"(?:{NUMBER}|\([^()]*\)|\bmath\.\w+\([^()]*\)|\bpi\b|\be\b)"
_WORDS: tuple[tuple[str, str], ...] = (
    (r"[\u00d7\u2715\u00b7]|(?<=[\d)])\s*x\s*(?=[\d(.-])", "*"),
    (r"\u00f7", "/"),
    (r"\u03c0", "pi"),
    (r"[\[{]", "("),
    (r"[\]}]", ")"),
    (r"[$€£](?=\s?[\d.])", ""),
    (rf"\b(?:the )?remainder (?:when|of|if) ({_OPERAND}) (?:is )?divided by ({_OPERAND})", r"(\1 % \2)"),
    (rf"\b(?:the )?(?:sum|total) of ({_OPERAND}) and ({_OPERAND})", r"(\1 + \2)"),
    (rf"\b(?:the )?product of ({_OPERAND}) and ({_OPERAND})", r"(\1 * \2)"),
    (rf"\b(?:the )?difference (?:between|of) ({_OPERAND}) and ({_OPERAND})", r"(\1 - \2)"),
    (rf"\b(?:the )?quotient of ({_OPERAND}) and ({_OPERAND})", r"(\1 / \2)"),
    (rf"\badd(?:ing)? ({_OPERAND}) (?:to|and|with) ({_OPERAND})", r"(\2 + \1)"),
    (rf"\bsubtract(?:ing)? ({_OPERAND}) from ({_OPERAND})", r"(\2 - \1)"),
    (rf"\bmultipl(?:y|ying) ({_OPERAND}) (?:by|and|with|times) ({_OPERAND})", r"(\1 * \2)"),
    (rf"\bdivid(?:e|ing) ({_OPERAND}) by ({_OPERAND})", r"(\1 / \2)"),
    (rf"\b(?:the )?(?:square root|sqrt) (?:of )?({_OPERAND})", r"math.sqrt(\1)"),
    (rf"\u221a\s*({_OPERAND})", r"math.sqrt(\1)"),
    (rf"\b(?:the )?(?:cube root|cbrt) (?:of )?({_OPERAND})", r"math.cbrt(\1)"),
    (rf"\b(?:the )?(?:factorial of|factorial) ({_OPERAND})", r"math.factorial(\1)"),
    (rf"({_OPERAND}) factorial\b", r"math.factorial(\1)"),
    (rf"({_OPERAND})\s?!(?!=)", r"math.factorial(\1)"),
    (
        rf"\b(?:the )?log(?:arithm)? (?:of )?({_OPERAND}) (?:in|to|with)(?: the)? base ({_OPERAND})",
        r"math.log(\1, \2)",
    ),
    (rf"\blog(?:arithm)? base ({_OPERAND}) of ({_OPERAND})", r"math.log(\2, \1)"),
    (rf"\b(?:the )?(?:natural log(?:arithm)?|ln) (?:of )?({_OPERAND})", r"math.log(\1)"),
    (rf"\blog(?:10|2)? of ({_OPERAND})", r"math.log10(\1)"),
    (
        rf"\b(?:the )?(sin|cos|tan)(?:e|ine|gent)? (?:of )?({_OPERAND}) ?(?:degrees|°)",
        r"math.\1(math.radians(\2))",
    ),
    (rf"\b(?:the )?(sin|cos|tan)(?:e|ine|gent)? of ({_OPERAND})(?: radians)?", r"math.\1(\2)"),
    (rf"\b(?:the )?absolute value of ({_OPERAND})", r"abs(\1)"),
    (
        rf"({_OPERAND}) (?:raised )?to the (?:power(?: of)? )?({_OPERAND})(?:st|nd|rd|th)?(?: power)?",
        r"(\1 ** \2)",
    ),
    (rf"({_OPERAND}) raised to ({_OPERAND})", r"(\1 ** \2)"),
    (rf"({_OPERAND}) squared\b", r"(\1 ** 2)"),
    (rf"({_OPERAND}) cubed\b", r"(\1 ** 3)"),
    (rf"\b(?:the )?square of ({_OPERAND})", r"(\1 ** 2)"),
    (rf"\b(?:the )?cube of ({_OPERAND})", r"(\1 ** 3)"),
    (rf"({_OPERAND}),? (?:and then|then|and) add ({_OPERAND})", r"(\1 + \2)"),
    (rf"({_OPERAND}),? (?:and then|then|and) subtract ({_OPERAND})", r"(\1 - \2)"),
    (rf"({_OPERAND}),? (?:and then|then|and) multiply by ({_OPERAND})", r"(\1 * \2)"),
    (rf"({_OPERAND}),? (?:and then|then|and) divide by ({_OPERAND})", r"(\1 / \2)"),
    (rf"\b(?:double|twice) ({_OPERAND})", r"(2 * \1)"),
    (rf"\btriple ({_OPERAND})", r"(3 * \1)"),
    (rf"\bhalve ({_OPERAND})", r"(\1 / 2)"),
    (rf"\b(?:a |1 )?half of ({_OPERAND})", r"(\1 / 2)"),
    (rf"\b(?:a|one|1) third of ({_OPERAND})", r"(\1 / 3)"),
    (rf"\b(?:a|one|1) quarter of ({_OPERAND})", r"(\1 / 4)"),
    (rf"({_OPERAND}) (?:%|percent|per cent) of ({_OPERAND})", r"(\1 / 100 * \2)"),
    (rf"({_OPERAND})% of ({_OPERAND})", r"(\1 / 100 * \2)"),
    (r"\bto the power of\b|\^", "**"),
    (r"\b(?:multiplied by|times)\b", "*"),
    (r"\b(?:divided by|over)\b", "/"),
    (r"\b(?:integer divided by)\b", "//"),
    (r"\b(?:plus|added to)\b", "+"),
    (r"\b(?:minus)\b", "-"),
    (r"\b(?:modulo|modulus|mod)\b", "%"),
    (rf"({_OPERAND})\s*\((?=[\d(.-])", r"\1 * ("),
    (r"\)\s*(?=\d)", ") * "),
)
_REWRITES = tuple((phrase(pattern), by) for pattern, by in _WORDS)
_WORDS_OF_EXPRESSIONS = """
plus minus times divided by over multiplied multiply multiplying divide dividing add adding added subtract
subtracting from to and then with the of a an one sum total product difference between quotient remainder when
if is square root cube squared cubed raised power sqrt cbrt factorial log logarithm ln natural base in sine sin
cosine cos tangent tan degrees radians absolute value double twice triple halve half third quarter percent per
cent modulo modulus mod integer exp floor ceil gcd lcm abs round min max pow pi e x st nd rd th tau math
"""
_VOCABULARY = frozenset(_WORDS_OF_EXPRESSIONS.split())
_WORD = re.compile(r"[^\W\d_]+")
_ROUNDS = 3  # "the square root of the square root of 16" needs two
_NUMBER = phrase(NUMBER)
_UNPREFIXED = re.compile(
    r"(?<![\w.])(sqrt|cbrt|factorial|sin|cos|tan|log10|log2|log|exp|floor|ceil|gcd|lcm)\("
)
_CONSTANT = re.compile(r"(?<![\w.])(pi|e|tau)(?![\w(])")

_FUNCTIONS = frozenset({"abs", "round", "min", "max", "pow"}) | {
    f"math.{name}"
    for name in [
        "sqrt",
        "cbrt",
        "factorial",
        "sin",
        "cos",
        "tan",
        "log",
        "log10",
        "log2",
        "exp",
        "floor",
        "ceil",
        "gcd",
        "lcm",
        "radians",
    ]
}
_CONSTANTS = frozenset({"math.pi", "math.e", "math.tau"})
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)

_CUE = phrase(r"\b(?:what|calculate|compute|evaluate|solve|how much|result|equals?|work out|answer)\b|=\s*\?")
_EMBEDDED = re.compile(
    rf"(?<![\w.,/*+-])\(*{NUMBER}\)*(?:\s*(?:\*\*|[-+*/\u00d7\u00f7^])\s*\(*(?:\d[\d,.]*)\)*)+(?![\w/*+-])"
)
_DATE_LIKE = re.compile(r"^\d{1,4}([-/])\d{1,2}\1\d{1,4}$|^\d{3}-\d{3,4}|^\d+-\d+$|^\d+/\d+$")


def arithmetic(question: Question) -> Solution | None:
    """Compute an expression that makes up a sentence, or the only one inside a sentence that asks for it."""
    for text in _candidates(question):
        if tree := expression_in(text):
            return _solution(tree)
    return None


def expression_in(text: str) -> ast.expr | None:
    """The arithmetic expression that the whole of a text is, or `None`."""
    if len(text) > _LONGEST or not any(character.isdigit() for character in text):
        return None
    source = _bare(text)
    known = _VOCABULARY.issuperset(word.lower() for word in _WORD.findall(source))
    return _parsed(source) if known else None


def formula_in(text: str, variable: str) -> ast.expr | None:
    """The formula in one variable that the whole of a text is: `x^2 - 3x`, `sin(x)`."""
    implicit = re.compile(rf"(?<=[\d)])\s*(?={variable}\b)")
    return _parsed(implicit.sub("*", text.strip()), variable)


def _parsed(source: str, variable: str = "") -> ast.expr | None:
    if not source or len(source) > _LONGEST:
        return None
    try:
        tree = ast.parse(_symbols(source), mode="eval").body
        return tree if _is_arithmetic(tree, variable) else None
    except _TOO_DEEP:
        return None


def _candidates(question: Question) -> Iterator[str]:
    """The sentences, then the one expression embedded in a sentence that asks for a result."""
    yield question.prose
    for sentence in question.sentences:
        yield Question.of(sentence).prose
    embedded = [found[0] for found in _EMBEDDED.finditer(question.prose)]
    if len(embedded) == 1 and not _DATE_LIKE.match(embedded[0]) and _CUE.search(question.prose):
        yield embedded[0]


def _bare(text: str) -> str:
    """A text without the phrases that ask for an expression's value."""
    before = ""
    while before != text:
        before = text
        text = _TAIL.sub("", _LEAD.sub("", text.strip()))
    return text


def _symbols(text: str) -> str:
    """Words and typographic signs as Python operators."""
    for _ in range(_ROUNDS):
        before = text
        for pattern, by in _REWRITES:
            text = pattern.sub(by, text)
        if text == before:
            break
    text = _UNPREFIXED.sub(r"math.\1(", text)
    text = _CONSTANT.sub(r"math.\1", text)
    return _NUMBER.sub(lambda found: literal(found[0]), text)


def _is_arithmetic(tree: ast.expr, variable: str) -> bool:
    """Whether a tree holds an operation, and numbers, known functions and the variable only."""
    return _is_supported(tree, variable) and any(
        isinstance(node, ast.BinOp | ast.Call) for node in ast.walk(tree)
    )


def _is_supported(node: ast.expr, variable: str) -> bool:
    match node:
        case ast.Constant(value=value):
            return type(value) in {int, float}
        case ast.Name() | ast.Attribute():
            return ast.unparse(node) in {variable, *_CONSTANTS}
        case ast.UnaryOp(op=ast.UAdd() | ast.USub(), operand=operand):
            return _is_supported(operand, variable)
        case ast.BinOp(left=left, op=operator, right=right) if isinstance(operator, _OPERATORS):
            return _is_supported(left, variable) and _is_supported(right, variable)
        case ast.Call(func=function, args=arguments, keywords=[]) if ast.unparse(function) in _FUNCTIONS:
            return all(_is_supported(argument, variable) for argument in arguments)
    return False


def _solution(tree: ast.expr) -> Solution:
    source = ast.unparse(tree)
    imports = ["math"] if "math." in source else []
    code = f'result = {source}\nprint(f"{{result = }}")'
    if _may_be_huge(tree):
        imports.append("sys")
        code = f"sys.set_int_max_str_digits(0)  # the result may be long\n{code}"
    return Solution(
        plan=f"I will compute `{source}` with Python.",
        code=program(code, imports),
        answer=f"The result of {source.replace('math.', '')} is {{result}}.",
    )


def _may_be_huge(tree: ast.expr) -> bool:
    grows = any(isinstance(node, ast.Pow) for node in ast.walk(tree)) or "factorial" in ast.dump(tree)
    return grows and any(
        isinstance(node, ast.Constant) and isinstance(node.value, int) and node.value >= _HUGE
        for node in ast.walk(tree)
    )
