"""The few pieces of HTML that a report is made of. Everything that comes from outside is escaped here."""

import base64
import html
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: #1b1b1b;
  background: #fff; max-width: 1180px; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid #ddd; }
p.sub { color: #555; margin: 0 0 1.2rem; }
.tiles { display: flex; flex-wrap: wrap; gap: 1rem; }
.tile { flex: 1 1 14rem; border: 1px solid #ddd; border-radius: 6px; padding: .7rem 1rem; }
.tile b { display: block; font-size: 1.7rem; line-height: 1.2; }
.tile span { color: #555; }
figure { margin: 1rem 0; }
figure img { max-width: 100%; height: auto; display: block; margin: 0 auto; }
figcaption { color: #555; font-size: .9rem; margin-top: .3rem; }
table { border-collapse: collapse; font-size: .78rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .38rem; border-bottom: 1px solid #eee; text-align: right; white-space: nowrap; }
th { position: sticky; top: 0; background: #f6f6f6; white-space: normal; vertical-align: bottom; }
th.t, td.t { text-align: left; }
td.w { white-space: normal; overflow-wrap: anywhere; min-width: 14rem; }
table.sortable th { cursor: pointer; }
table.sortable th[data-dir]::after { content: " \\25B2"; font-size: .7em; }
table.sortable th[data-dir="-1"]::after { content: " \\25BC"; }
.wide { overflow-x: auto; }
.scroll { max-height: 30rem; overflow: auto; border: 1px solid #eee; }
pre { background: #f6f6f6; padding: .7rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.small { font-size: .85rem; color: #555; }
@media screen and (max-width: 700px) {
  body { margin: 1rem auto; padding: 0 .7rem; }
  figure { overflow-x: auto; }
  figure img { max-width: none; width: 44rem; }
}
@media print {
  body { margin: 0; max-width: none; }
  .scroll, .wide { max-height: none; overflow: visible; }
  th { position: static; }
  figure, .tile, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
}
"""

SCRIPT = """
document.querySelectorAll("table.sortable th").forEach(function (th) {
  th.addEventListener("click", function () {
    var row = th.parentNode, table = row.closest("table"), body = table.tBodies[0];
    var at = Array.prototype.indexOf.call(row.children, th), dir = th.dataset.dir === "1" ? -1 : 1;
    Array.prototype.forEach.call(row.children, function (o) { delete o.dataset.dir; });
    th.dataset.dir = dir;
    var key = function (tr) { return tr.children[at].textContent; };
    Array.from(body.rows).sort(function (a, b) {
      var x = key(a), y = key(b), m = parseFloat(x), n = parseFloat(y);
      if (x === "" || y === "") { return x === y ? 0 : (x === "" ? 1 : -1); }
      return dir * (isNaN(m) || isNaN(n) || th.classList.contains("t") ? x.localeCompare(y) : m - n);
    }).forEach(function (tr) { body.appendChild(tr); });
  });
});
"""

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""What the page may load: nothing but what it holds."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: what stands above it.
        cells: what stands in it; numbers that are not finite become empty.
        form: format of numbers, such as ``".2f"``.
        text: left-aligned, sorted as text.
        wrap: may break into lines.
    """

    title: str
    cells: Sequence[Any] | np.ndarray
    form: str = ""
    text: bool = False
    wrap: bool = False


def escape(value: Any) -> str:
    """Text as HTML; control characters that HTML forbids become blanks."""
    clean = "".join(c if c.isprintable() or c in "\n\t" else " " for c in str(value))
    return html.escape(clean, quote=True)


def table(columns: Sequence[Column], *, sortable: bool = False, scroll: bool = False) -> str:
    """Columns of equal length as a table."""
    head = "".join(f'<th{_class(c)} scope="col">{escape(c.title)}</th>' for c in columns)
    rows = []
    for i in range(len(columns[0].cells) if columns else 0):
        rows.append("<tr>" + "".join(f"<td{_class(c)}>{_cell(c, i)}</td>" for c in columns) + "</tr>")
    kind = ' class="sortable"' if sortable else ""
    text = f"<table{kind}><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return f'<div class="{"scroll" if scroll else "wide"}">{text}</div>'


def _class(column: Column) -> str:
    words = [word for word, on in (("t", column.text), ("w", column.wrap)) if on]
    return f' class="{" ".join(words)}"' if words else ""


def _cell(column: Column, row: int) -> str:
    value = column.cells[row]
    if column.form:
        return format(float(value), column.form) if -1e300 < float(value) < 1e300 else ""
    return escape(value)


def image(png: bytes, caption: str) -> str:
    """A figure inside the page."""
    data = base64.b64encode(png).decode("ascii")
    return (
        f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def tiles(pairs: Iterable[tuple[str, str]]) -> str:
    """Headline numbers with what they are."""
    boxes = "".join(f'<div class="tile"><b>{escape(n)}</b><span>{escape(w)}</span></div>' for n, w in pairs)
    return f'<div class="tiles">{boxes}</div>'


def section(title: str, *parts: str) -> str:
    """A heading and what stands under it; nothing if there is nothing."""
    body = "\n".join(part for part in parts if part)
    return f"<h2>{escape(title)}</h2>\n{body}\n" if body else ""


def bullets(sentences: Sequence[str]) -> str:
    """Sentences as a list; nothing if there are none."""
    return f"<ul>{''.join(f'<li>{escape(s)}</li>' for s in sentences)}</ul>" if sentences else ""


def command_line(command: Any) -> str:
    """A command, as a line or its words."""
    if not command:
        return ""
    line = command if isinstance(command, str) else " ".join(str(word) for word in command)
    return f"<pre>{escape(line)}</pre>"


def key_values(record: Mapping[str, Any]) -> str:
    """A record as rows of name and value, nested names joined by points."""
    flat = list(_flatten(record, ""))
    return table(
        [
            Column("What", [k for k, _ in flat], text=True),
            Column("Value", [v for _, v in flat], text=True, wrap=True),
        ]
    )


def _flatten(value: Any, name: str) -> Iterable[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flatten(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        yield name, ", ".join(str(item) for item in value)
    else:
        yield name, "not set" if value is None else str(value)


def page(title: str, body: str) -> str:
    """The whole document."""
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head>\n<body>\n{body}\n<script>{SCRIPT}</script>\n</body></html>\n"
    )


def write_page(path: str | Path, text: str) -> None:
    """Write a document; it appears under its name only when it is complete."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
