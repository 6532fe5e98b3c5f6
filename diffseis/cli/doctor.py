"""``diffseis doctor``."""

import typer


def doctor() -> None:
    """Say what is installed, which devices and caches are used, what is wrong and how to mend it."""
    import importlib
    import os
    import shutil

    from diffseis.workflows.provenance import git_commit, versions

    problems: list[tuple[str, str]] = []
    typer.echo("versions")
    for name, version in versions().items():
        typer.echo(f"  {name:10s} {version}")
        if version == "not installed" and name != "diffseis":
            problems.append((f"{name} is not installed", f"pip install {name}"))
    typer.echo(f"  commit     {git_commit() or 'not a git checkout'}")
    for module in ("blackjax", "pooch"):
        try:
            importlib.import_module(module)
        except ImportError:
            typer.echo(f"  {module:10s} not installed (optional)")

    from diffseis.cli.terminal import prepare_jax, use_compilation_cache

    prepare_jax()
    import jax
    import jax.numpy as jnp

    typer.echo("devices")
    for device in jax.devices():
        typer.echo(f"  {device.platform}: {device.device_kind}")
    if jax.default_backend() == "cpu" and shutil.which("nvidia-smi"):
        problems.append(
            (
                "an NVIDIA driver is here, but JAX runs on the CPU",
                "pip install 'jax[cuda12]' (same version of jax)",
            )
        )
    if float(jnp.sum(jnp.arange(4.0) ** 2)) != 14.0:
        problems.append(("JAX computes wrongly", "reinstall jax and jaxlib of one version"))
    typer.echo(
        f"  cores: {os.cpu_count()}; double precision: {'on' if jax.config.read('jax_enable_x64') else 'off'}"
    )

    cache = use_compilation_cache()
    typer.echo(f"cache of compiled programs\n  {cache or 'off'}")
    if cache is None and os.environ.get("DIFFSEIS_CACHE") != "":
        problems.append(("the cache folder cannot be written", "set DIFFSEIS_CACHE to a folder that can"))
    free = shutil.disk_usage(".").free / 1e9
    if free < 1:
        problems.append((f"only {free:.1f} GB are free here", "make room before a large run"))

    from diffseis.workflows.demonstration import bulletin_path

    path = bulletin_path()
    typer.echo(f"demo bulletin\n  {path or 'missing'}")
    if path is None:
        problems.append(
            ("this ObsPy comes without its test data", "`diffseis demo` will locate synthetic events instead")
        )
    if problems:
        typer.echo("problems")
        for what, fix in problems:
            typer.echo(f"  {what}\n    fix: {fix}")
        raise typer.Exit(1)
    typer.echo("all is well")
