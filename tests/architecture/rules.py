"""Rules of the house that can be read off the source: what may not be called, what must be said."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "diffseis"

FORBIDDEN_CALLS = {
    "eval": "evaluates text",
    "exec": "executes text",
    "compile": "compiles text",
    "__import__": "imports by text",
    "print": "libraries do not print",
    "os.system": "runs a shell",
    "os.popen": "runs a shell",
    "yaml.load": "can execute what it reads",
    "torch.load": "can execute what it reads",
    "joblib.load": "can execute what it reads",
    "marshal.loads": "can crash on what it reads",
}
FORBIDDEN_IMPORTS = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
NEEDS_FORMAT = ("obspy.read", "obspy.read_events", "obspy.read_inventory", "read_events", "read_inventory")


def sources() -> list[Path]:
    """Every module of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of an expression of names, else an empty string."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""


def unsafe(text: str) -> list[str]:
    """What a module does that none may do; one line each."""
    tree = ast.parse(text)
    aliases = _aliases(tree)
    return [f"line {line}: {why}" for node in ast.walk(tree) for line, why in _faults(node, aliases)]


def _aliases(tree: ast.AST) -> dict[str, str]:
    """Full name behind each imported name: ``from os import system as s`` is s: os.system."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {a.asname: a.name for a in node.names if a.asname}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return found


def _faults(node: ast.AST, aliases: dict[str, str]) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.ExceptHandler) and node.type is None:
        yield node.lineno, "bare except"
    if isinstance(node, ast.Assert):
        yield node.lineno, "assert: vanishes under -O"
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name.split(".")[0] in FORBIDDEN_IMPORTS:
                yield node.lineno, f"import of {alias.name}"
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in FORBIDDEN_IMPORTS:
        yield node.lineno, f"import from {node.module}"
    if isinstance(node, ast.Call):
        yield from _call_faults(node, aliases)


def _call_faults(node: ast.Call, aliases: dict[str, str]) -> Iterator[tuple[int, str]]:
    name = dotted(node.func)
    head, _, tail = name.partition(".")
    full = aliases.get(head, head) + (f".{tail}" if tail else "")
    given = {k.arg for k in node.keywords}
    if full in FORBIDDEN_CALLS:
        yield node.lineno, f"{full}: {FORBIDDEN_CALLS[full]}"
    for keyword in node.keywords:
        on = isinstance(keyword.value, ast.Constant) and keyword.value.value is True
        if keyword.arg in ("shell", "allow_pickle") and not (
            isinstance(keyword.value, ast.Constant) and keyword.value.value is False
        ):
            yield node.lineno, f"{keyword.arg}={'True' if on else '...'}"
    from_obspy = full.startswith("obspy.") and full.rsplit(".", 1)[-1] in (
        "read",
        "read_events",
        "read_inventory",
    )
    if from_obspy and "format" not in given:
        yield node.lineno, f"{full} without format=: it tries every reader, unpickling among them"
    if full in ("numpy.load", "np.load") and "allow_pickle" not in given:
        yield node.lineno, "np.load without allow_pickle=False"


def undocumented(text: str) -> list[str]:
    """Public functions and classes at the top of a module that say nothing, and the module if it does not."""
    tree = ast.parse(text)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    silent = [
        n.name for n in tree.body if isinstance(n, kinds) and n.name[0] != "_" and not ast.get_docstring(n)
    ]
    return silent if ast.get_docstring(tree) else ["the module", *silent]


def own_content(text: str) -> list[str]:
    """What an ``__init__`` holds besides re-exports (``X as X``) and the machinery of loading them late."""
    found = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.ImportFrom):
            found += [
                f"{a.name} as {a.asname}"
                for a in node.names
                if (node.module or "").startswith("diffseis") and a.asname != a.name
            ]
        elif isinstance(node, ast.Import):
            continue
        elif isinstance(node, ast.If) and dotted(node.test) == "TYPE_CHECKING":
            found += own_content(ast.unparse(ast.Module(node.body, [])))
        elif (isinstance(node, ast.FunctionDef) and node.name in ("__getattr__", "__dir__")) or (
            isinstance(node, ast.Assign)
            and all(isinstance(t, ast.Name) and t.id.startswith("_") for t in node.targets)
        ):
            continue
        else:
            found.append(ast.unparse(node).splitlines()[0])
    return found
