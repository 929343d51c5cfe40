"""What the text of a program says that it uses: names, files, and what only a run would show."""

from __future__ import annotations

import ast
import builtins
import posixpath
import sys
import tokenize
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from typing import Final, Literal, TypeAlias

from langchain_codeexec.executors.gemini_programs import UNREADABLE

__all__ = ["ParsedProgram", "Use", "normal_path"]

Kind: TypeAlias = Literal["name", "possible", "read", "write", "dynamic", "unparsed"]
_Names: TypeAlias = frozenset[tuple[Kind, str]]
"""What an expression may refer to."""

_BUILTINS: Final = frozenset(dir(builtins))
_IMPORTERS: Final = {"builtins.__import__", "importlib.__import__", "importlib.import_module"}
_ATTRIBUTES: Final = {"builtins.getattr", "builtins.setattr", "builtins.delattr"}
_BY_TEXT: Final = _IMPORTERS | _ATTRIBUTES
"""What leads to something by a text."""
_DEEPEST: Final = 10
_DYNAMIC: Final = frozenset(
    "builtins.eval builtins.exec builtins.compile builtins.globals builtins.locals builtins.vars "
    "builtins.breakpoint builtins.help sys.modules sys._getframe sys.meta_path sys.path_hooks sys.settrace "
    "sys.setprofile "
    "operator.attrgetter operator.methodcaller types.FunctionType types.CodeType typing.get_type_hints "
    "importlib.util importlib.machinery importlib.reload importlib._bootstrap zipimport runpy code codeop pkgutil "
    "imp pickle cPickle marshal shelve dill cloudpickle joblib jsonpickle ctypes cffi gc inspect timeit doctest "
    "pdb bdb trace profile cProfile pydoc logging.config unittest.mock numexpr pandas.eval pandas.read_pickle "
    "numpy.f2py sympy.sympify sympy.parse_expr sympy.parsing sympy.lambdify patsy statsmodels.formula "
    "yaml.load yaml.unsafe_load torch.load IPython".split()
)
"""What runs text or bytes as code, or reaches objects by ways that name none."""
_ATTRIBUTES_TO_ALL: Final = frozenset(
    "tb_frame f_globals f_builtins f_locals f_back f_code gi_frame gi_code cr_frame cr_code ag_frame "
    "ag_code".split()
)
"""Attributes that lead from an object to the names of other code; all with two underscores do, but for these."""
_HARMLESS: Final = frozenset(
    "__init__ __new__ __name__ __qualname__ __module__ __doc__ __file__ __version__ __class__ __annotations__ "
    "__debug__ __len__ __iter__ __next__ __enter__ __exit__ __aenter__ __aexit__ __call__ __str__ __repr__ "
    "__eq__ __hash__ __lt__ __add__ __mul__ __getitem__ __setitem__ __contains__ __post_init__ __all__ __slots__ "
    "__main__ __traceback__ __cause__ __context__ __array__ __import__".split()
)
_SAME: Final = {
    "posix": "os",
    "nt": "os",
    "posixpath": "os.path",
    "ntpath": "os.path",
    "_posixsubprocess": "subprocess",
    "io.open": "builtins.open",
    "io.FileIO": "builtins.open",
    "io.open_code": "builtins.open",
    "codecs.open": "builtins.open",
}
"""Other names of the same."""
_OPENERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("builtins.open io.open io.FileIO io.open_code codecs.open tarfile.open zipfile.ZipFile").split(), "r"
    ),
    **dict.fromkeys(("gzip.open", "bz2.open", "lzma.open", "tokenize.open", "fileinput.input"), "r"),
    **dict.fromkeys(("linecache.getline", "linecache.getlines", "numpy.fromfile", "numpy.memmap"), "r"),
    **dict.fromkeys(("os.open", "os.fdopen", "sqlite3.connect", "pathlib.Path", "pathlib.PosixPath"), ""),
    **{f"numpy.{name}": "" for name in "save savetxt savez savez_compressed".split()},
    **{f"os.{name}": "w" for name in "mkdir makedirs remove unlink rmdir removedirs truncate".split()},
}
"""What takes the path of a file first, by the mode where its second argument says none; empty for any."""
_READERS: Final = ("pandas.read_", "polars.read_", "polars.scan_", "numpy.load", "numpy.genfromtxt")
_OF_ANY_FILE: Final = ("shutil.", "pathlib.Path.", "os.rename", "os.replace", "os.link", "os.symlink")
_BINDING: Final[Mapping[type[ast.AST], str]] = {
    ast.Name: "id",
    ast.FunctionDef: "name",
    ast.AsyncFunctionDef: "name",
    ast.ClassDef: "name",
    ast.arg: "arg",
    ast.ExceptHandler: "name",
    ast.MatchAs: "name",
    ast.MatchStar: "name",
    ast.MatchMapping: "rest",
}
"""What binds a name, and where it has it."""


@dataclass(frozen=True, slots=True)
class Use:
    """Something that a program uses.

    Attributes:
        kind: `name` of a module, of something in it, of a builtin or of what the program does not define;
            `possible` where it may be another thing of that name, which the program defines say; a file to `read`
            or to `write`; `dynamic` for what only a run would show; `unparsed` for a text that cannot be read.
        name: Dotted, `builtins.open` for a builtin; the path of a file, empty where it is computed.
        line: The line.
        is_whole: Whether all that lies below the name may be meant, as where a module is passed on.
    """

    kind: Kind
    name: str
    line: int = 1
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class _Bindings:
    """Names that a program binds, and what its imports bind them to."""

    bound: frozenset[str]
    imports: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class ParsedProgram:
    """A program, read and not run.

    Attributes:
        code: The source text.
        tree: It, parsed; `None` where it cannot be.
        uses: What it uses, by line. Every program uses `builtins`.
    """

    code: str
    tree: ast.Module | None
    uses: tuple[Use, ...]

    @property
    def nodes(self) -> int:
        """How many nodes the syntax tree has; 0 where there is none."""
        return sum(1 for _ in ast.walk(self.tree)) if self.tree else 0

    @classmethod
    def parse(cls, code: str, earlier: Iterable[str] = ()) -> ParsedProgram:
        """Read a program.

        Args:
            code: The source text, Python.
            earlier: Programs whose names are still there.
        """
        try:
            tree = _parsed(code)
            known = [_bindings(text) for text in (*earlier, code)]
            uses = frozenset(_Reading(tree, known).uses())
        except UNREADABLE as error:
            what = getattr(error, "msg", "") or str(error) or "it is nested too deeply"
            return cls(code, None, (Use("unparsed", what, getattr(error, "lineno", None) or 1),))
        return cls(
            code, tree, tuple(sorted(uses, key=lambda use: (use.line, use.kind, use.name, use.is_whole)))
        )


def normal_path(path: str) -> str:
    """A path without what can be left out of it."""
    path = posixpath.normpath(path)
    return path[1:] if path.startswith("//") else path


def _parsed(code: str) -> ast.Module:
    """The syntax tree.

    Raises:
        SyntaxError: It is no Python, or Python could read another text in it.
        ValueError: It is no text that can be encoded.
        RecursionError: It is nested too deeply; also as `MemoryError`.
    """
    source = code.encode()
    encoding, _ = tokenize.detect_encoding(BytesIO(source).readline)
    if not encoding.startswith("utf-8"):
        raise ValueError(f"it declares another encoding than UTF-8: {encoding}")
    with warnings.catch_warnings():  # what the compiler thinks of the code is told where it runs
        warnings.simplefilter("ignore")
        return ast.parse(source)


@lru_cache(maxsize=128)
def _bindings(code: str) -> _Bindings:
    bound: set[str] = set()
    imports: defaultdict[str, set[str]] = defaultdict(set)
    try:
        nodes = list(ast.walk(_parsed(code)))
    except UNREADABLE:  # nothing of it has run
        nodes = []
    for node in nodes:
        match node:
            case ast.Import():
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    imports[alias.asname or top].add(alias.name if alias.asname else top)
            case ast.ImportFrom():
                for alias in node.names:
                    imports[alias.asname or alias.name].add(f"{_module(node)}.{alias.name}")
            case ast.Name(ctx=ast.Load()):
                pass
            case _:
                bound.add(getattr(node, _BINDING.get(type(node), ""), None) or "")
    return _Bindings(frozenset(bound | {*imports}), {name: frozenset(to) for name, to in imports.items()})


def _module(node: ast.ImportFrom) -> str:
    return "." * node.level + (node.module or "")


class _Reading:
    """Reads a syntax tree from its leaves to its root, so that no depth is too deep."""

    def __init__(self, tree: ast.Module, known: Iterable[_Bindings]) -> None:
        self._nodes = list(ast.walk(tree))
        self._bound: set[str] = set()
        self._imports: defaultdict[str, set[str]] = defaultdict(set)
        for bindings in known:
            self._bound |= bindings.bound
            for name, modules in bindings.imports.items():
                self._imports[name] |= modules
        self._names: dict[ast.AST, _Names] = {}
        self._part_of_more: set[ast.AST] = {part for node in self._nodes for part in self._parts(node)}

    def uses(self) -> Iterator[Use]:
        """What is used, in no order."""
        yield Use("name", "builtins")
        for node in reversed(self._nodes):
            match node:
                case ast.Import() | ast.ImportFrom():
                    yield from self._imported(node)
                case ast.MatchClass():
                    for name in node.kwd_attrs:
                        yield from _by_special_name(name, node.cls.lineno)
                case ast.Name(ctx=ast.Load()):
                    yield from _by_special_name(node.id, node.lineno)
                    yield from self._referred(node, self._names_of(node.id))
                case ast.Attribute():
                    yield from _by_special_name(node.attr, node.lineno)
                    yield from self._referred(node, _below(self._names.get(node.value), node.attr))
                case ast.Call():
                    yield from self._called(node)

    def _parts(self, node: ast.AST) -> Iterator[ast.AST]:
        """The parts of an expression whose names are no uses by themselves."""
        match node:
            case ast.Attribute(value=part) | ast.Call(func=part):
                yield part
        match node:
            case ast.Call(func=ast.Name(id=name), args=[part, ast.Constant(), *_]):
                if f"builtins.{name}" in _ATTRIBUTES and name not in self._bound:
                    yield part

    def _names_of(self, name: str) -> _Names:
        names: set[tuple[Kind, str]] = {("name", module) for module in self._imports.get(name, ())}
        if name in _BUILTINS:
            names.add(("name", f"builtins.{name}"))
        elif not names or name in self._bound:
            names.add(("possible" if name in self._bound else "name", name))
        return frozenset(names)

    def _imported(self, node: ast.Import | ast.ImportFrom) -> Iterator[Use]:
        for alias in node.names:
            name = alias.name if isinstance(node, ast.Import) else f"{_module(node)}.{alias.name}"
            is_whole = name.endswith(".*")
            yield from _used("name", name.removesuffix(".*"), node.lineno, is_whole=is_whole)

    def _referred(self, node: ast.expr, names: _Names) -> Iterator[Use]:
        """The uses of an expression that refers to something, unless they are those of what it is part of."""
        self._names[node] = names
        if node in self._part_of_more:
            return
        for kind, name in names:
            yield from _used(kind, name, node.lineno, is_whole=True)
            if name in _OPENERS or name.startswith(_OF_ANY_FILE):
                yield from _files("", "", node.lineno)

    def _called(self, node: ast.Call) -> Iterator[Use]:
        """The uses of a call: of the function, and of what is known of its result."""
        result: set[tuple[Kind, str]] = set()
        for kind, name in self._names.get(node.func, ()):
            yield from _used(kind, name, node.lineno)
            if name in _IMPORTERS:
                module = _text(node, 0) if len(node.args) == 1 and not node.keywords else None
                if not module:
                    yield Use("dynamic", name, node.lineno)
                    continue
                yield from _used("name", module, node.lineno)
                is_top = name.endswith("__import__")
                result.add(("name", module.partition(".")[0] if is_top else module))
            elif name in _ATTRIBUTES:
                attribute = _text(node, 1)
                if attribute is None:
                    yield Use("dynamic", name, node.lineno)
                    continue
                yield from _by_special_name(attribute, node.lineno)
                result |= _below(self._names.get(node.args[0]), attribute)
            elif name.startswith(_OF_ANY_FILE):
                yield from _files("", "", node.lineno)
            elif name in _OPENERS or name.startswith(_READERS):
                mode = _mode(node, _OPENERS.get(name, "r"))
                yield from _files(_text(node, 0) or "", mode, node.lineno)
        if result:
            yield from self._referred(node, frozenset(result))


def _used(kind: Kind, name: str, line: int, *, is_whole: bool = False) -> Iterator[Use]:
    """The use of a name, and of what it leads to."""
    yield Use(kind, name, line, is_whole)
    for implied in _implied(name, is_whole=is_whole):
        if kind == "name" or implied.kind == "possible":
            yield replace(implied, line=line)


@lru_cache(maxsize=1024)
def _implied(name: str, *, is_whole: bool) -> tuple[Use, ...]:
    """What a name leads to: modules by way of others, other names of the same, and what runs code of no text."""
    uses = [*_dynamic(name, is_whole=is_whole)]
    parts = name.split(".")
    for place, part in enumerate(parts):
        module = part.lstrip("_")
        tail = ".".join([module, *parts[place + 1 :]])
        is_repeated = place > 0 and parts[place - 1] == part  # datetime.datetime
        if tail != name and module in sys.stdlib_module_names and not is_repeated:
            uses.append(Use("possible", tail, is_whole=is_whole))
            if module != part or parts[0] in sys.stdlib_module_names:
                uses += _dynamic(tail, is_whole=is_whole)
    for start in _starts(name) & _SAME.keys():
        uses.append(Use("possible", _SAME[start] + name.removeprefix(start), is_whole=is_whole))
    return tuple(uses)


def _dynamic(name: str, *, is_whole: bool) -> Iterator[Use]:
    entries = _starts(name) & _DYNAMIC
    if is_whole:
        entries |= {entry for entry in _DYNAMIC | _BY_TEXT if f"{entry}.".startswith(f"{name}.")}
    for entry in entries:
        yield Use("dynamic", entry)


def _starts(name: str) -> set[str]:
    """A name and all that it lies below."""
    parts = name.split(".")
    return {".".join(parts[:count]) for count in range(1, len(parts) + 1)}


def _below(names: _Names | None, attribute: str) -> _Names:
    """Names of an attribute; of one that lies deep, the names of what it lies in."""
    return frozenset(
        (kind, name if name.count(".") > _DEEPEST else f"{name}.{attribute}") for kind, name in names or ()
    )


def _by_special_name(name: str, line: int) -> Iterator[Use]:
    """The use of an attribute that leads from any object to any other."""
    is_special = name.startswith("__") and name.endswith("__")
    if (is_special and name not in _HARMLESS) or name in _ATTRIBUTES_TO_ALL:
        yield Use("dynamic", name, line)


def _text(node: ast.Call, position: int) -> str | None:
    """An argument that the text says."""
    given = node.args[: position + 1]
    if len(given) <= position or any(isinstance(one, ast.Starred) for one in given):
        return None
    value = given[position]
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def _mode(node: ast.Call, default: str) -> str:
    """The mode of a call that opens a file; empty if that is not known."""
    named = [one for one in node.keywords if one.arg in (None, "mode")]
    if not default or (len(node.args) < 2 and not named):  # noqa: PLR2004 -- the path, and the mode
        return default
    values = [one.value for one in named]
    value = values[0] if values else node.args[1]
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


def _files(path: str, mode: str, line: int) -> Iterator[Use]:
    """Uses of a file; of every file where its path is not known, and of the network where it is a URL."""
    if "://" in path:
        yield Use("name", "urllib.request", line)
        return
    path = normal_path(path) if path else ""
    if not mode or not {*mode}.isdisjoint("r+"):
        yield Use("read", path, line, not path)
    if not mode or not {*mode}.isdisjoint("wax+"):
        yield Use("write", path, line, not path)
