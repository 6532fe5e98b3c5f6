"""``diffseis fetch``."""

from pathlib import Path

import typer


def fetch(
    name: str | None = typer.Argument(
        None, help="Name of a data set; without it, the known ones are listed."
    ),
    out: Path = typer.Option(Path("data"), help="Folder to put it in."),
    url: str | None = typer.Option(None, help="Fetch this file instead (http, https, ftp or file)."),
    sha256: str | None = typer.Option(None, help="Its checksum; required with --url."),
) -> None:
    """Download a data set, checked by its sha256; what is there and sound is not fetched again, and a broken
    download goes on where it stopped.
    """
    from diffseis.cli.terminal import Reporter
    from diffseis.io.fetching import DATA_SETS, fetch_files

    if name is None and url is None:
        for known, entry in DATA_SETS.items():
            typer.echo(f"{known}: {entry.about} ({entry.licence})")
        return
    with Reporter(unit="bytes") as reporter:
        paths = fetch_files(name, out, url=url, sha256=sha256, progress=reporter.update)
    for path in paths:
        typer.echo(str(path))
