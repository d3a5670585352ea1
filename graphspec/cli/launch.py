"""`graphspec launch`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphspec.cli.candidates import spec_files
from graphspec.cli.options import checkpoint_option, quiet_option, resume_option, run_dir_option, set_option
from graphspec.console.echo import echo
from graphspec.console.shell import path_word
from graphspec.console.streams import outlive_output
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_LAUNCH
from graphspec.extras import check_tensorflow

if TYPE_CHECKING:
    from graphspec.distribution.launch import Launch

MANAGERS = ("kubernetes", "slurm")
EMITTED_RESTARTS = 3
"""The default of `--restarts` for a cluster, whose machines are taken away and fail."""


@click.command()
@click.argument("spec", metavar="[SPEC]", required=False, shell_complete=spec_files)
@click.option("--workers", type=click.IntRange(1, 1024), required=True, help="The number of processes that train.")
@set_option
@run_dir_option
@resume_option
@click.option("--from", "from_run", metavar="RUN", help="Start from the weights of a run, as `graphspec train` does.")
@checkpoint_option
@click.option(
    "--restarts",
    type=click.IntRange(0, 1000),
    help="When a worker fails, restart all from the last checkpoint, at most this often.  [default: 0; 3 with --emit]",
)
@quiet_option
@click.option("--emit", type=click.Choice(MANAGERS), help="Start nothing; write the job for a cluster manager.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="With --emit, the file.  [default: stdout]")
@click.option("--image", help="With --emit kubernetes, the container image, which holds graphspec.")
@click.option(
    "--claim",
    metavar="NAME",
    help="With --emit kubernetes, the claim of the volume with the spec, its data and its runs.",
)
@click.option("--cpus", type=click.IntRange(min=1), help="With --emit, CPUs a worker.")
@click.option("--gpus", type=click.IntRange(min=1), help="With --emit, GPUs a worker.")
@click.option("--memory", metavar="SIZE", help="With --emit, memory a worker: 512M, 16G.")
def launch(
    spec: str | None,
    workers: int,
    overrides: tuple[str, ...],
    run_dir: Path | None,
    resume: str | None,
    from_run: str | None,
    checkpoint: str | None,
    restarts: int | None,
    quiet: bool,
    emit: str | None,
    output: Path | None,
    image: str | None,
    claim: str | None,
    cpus: int | None,
    gpus: int | None,
    memory: str | None,
) -> None:
    """Train the model of a spec by several processes on this machine, or write the job for many machines.

    Each worker is `graphspec train` with TF_CONFIG in its environment; training.distribute is multi_worker for them,
    unless the spec says so itself. Worker 0 writes the run and to the terminal, the others to RUN/workers. When one
    fails, all are stopped; with --restarts, they start again from the last checkpoint. Ctrl-C and SIGTERM stop the
    training as they stop `graphspec train`.

    \b
    graphspec launch specs/wine.yaml --workers 2
    graphspec launch --resume runs/wine --workers 2
    graphspec launch specs/wine.yaml --workers 4 --emit slurm -o wine.sbatch
    graphspec launch specs/wine.yaml --workers 4 --emit kubernetes --image registry/graphspec:1 -o wine.yaml
    """
    if (spec is None) == (resume is None):
        raise click.UsageError("pass either a SPEC to train, or --resume RUN")
    if resume is not None and (run_dir is not None or from_run is not None):
        raise click.UsageError("--resume continues the run itself, so it excludes --run-dir and --from")
    if from_run is None and checkpoint is not None:
        raise click.UsageError("--checkpoint selects the model of the run that --from names")
    only = {"--output": output, "--image": image, "--claim": claim, "--cpus": cpus, "--gpus": gpus, "--memory": memory}
    if emit is None and (extra := [name for name, value in only.items() if value is not None]):
        raise click.UsageError(f"{', '.join(extra)}: only with --emit")
    if emit == "kubernetes" and (image is None or claim is None):
        raise click.UsageError("--emit kubernetes needs the --image of the container and the --claim of a volume")
    if emit == "slurm" and (image is not None or claim is not None):
        raise click.UsageError("--image and --claim are for --emit kubernetes")
    outlive_output()
    options = ["--quiet"] if quiet else []
    if resume is not None:
        job = _resumed(resume, overrides, workers, options, is_local=emit is None)
        if job is None:
            return
    else:
        start = [] if from_run is None else ["--from", _newest(from_run), "--checkpoint", checkpoint or "last"]
        job = _first(str(spec), overrides, run_dir, workers, options=[*start, *options], is_local=emit is None)
    if emit is None:
        _run(job, restarts or 0, quiet)
        return
    from graphspec.distribution.cluster_job import ClusterJob
    from graphspec.distribution.kubernetes import manifest
    from graphspec.distribution.slurm import batch_script

    emitted = ClusterJob(
        spec_name=job.name,
        run=job.run,
        workers=workers,
        first=job.first,
        resumed=job.resumed,
        restarts=EMITTED_RESTARTS if restarts is None else restarts,
        file=output,
        cpus=cpus,
        gpus=gpus,
        memory=memory,
    )
    if image is not None and claim is not None:
        _write(manifest(emitted, image=image, claim=claim), output)
    else:
        _write(batch_script(emitted), output)


def _first(
    spec: str, overrides: tuple[str, ...], run_dir: Path | None, workers: int, *, options: list[str], is_local: bool
) -> Launch:
    """Return the training of a spec by several workers. Raises SpecError if it has errors."""
    from graphspec import run_directory
    from graphspec.distribution.launch import Launch, check_workers, distributed
    from graphspec.language.document import STANDARD_INPUT
    from graphspec.spec import inspect

    if spec == STANDARD_INPUT:
        raise click.UsageError("each worker reads the spec, so it cannot be standard input: name a file")
    loaded, report = inspect(spec, overrides, data=is_local)
    if loaded is None:
        raise SpecError(report)  # warnings are shown by the chief
    check_workers(loaded, workers)
    sets = [word for each in (*overrides, *distributed(loaded)) for word in ("--set", each)]
    run = run_dir if run_dir is not None else run_directory.RUNS / loaded.name / run_directory.new_name()
    if is_local:
        check_tensorflow()
        run_directory.check_can_create(loaded, run)
    words = [path_word(spec), "--run-dir", path_word(run), *sets, *options]
    return Launch(name=loaded.name, run=run, workers=workers, first=words, resumed=_resume_words(run, options))


def _resumed(
    run: str, overrides: tuple[str, ...], workers: int, options: list[str], *, is_local: bool
) -> Launch | None:
    """Return the training of a run by several workers; None, with a message, if it is complete."""
    from graphspec.cli.train import epochs_of
    from graphspec.distribution.launch import Launch, check_workers, distributed
    from graphspec.runs.run import Run

    stopped = Run.at(run)
    spec = stopped.to_resume(epochs_of(overrides))
    if spec is None:
        echo(f"{stopped.path} is complete; train it for more epochs with --set training.epochs=N", err=True)
        return None
    check_workers(spec, workers)
    if distributed(spec):
        raise SpecError.of(
            BAD_LAUNCH,
            f"{stopped.path} was trained by one process",
            help="resume it with `graphspec train`, or launch a new run from its weights: "
            f"graphspec launch SPEC --workers {workers} --from {path_word(stopped.path)}",
        )
    if is_local:
        check_tensorflow()
    sets = [word for each in overrides for word in ("--set", each)]
    words = [*_resume_words(stopped.path, options), *sets]
    return Launch(name=spec.name, run=stopped.path, workers=workers, first=words, resumed=words)


def _resume_words(run: Path, options: list[str]) -> list[str]:
    return ["--resume", path_word(run), *(["--quiet"] if "--quiet" in options else [])]


def _newest(run: str) -> str:
    """Return the run that `--from` names, the same for all workers."""
    from graphspec.runs.run import Run

    return path_word(Run.at(run).path)


def _run(job: Launch, restarts: int, quiet: bool) -> None:
    """Start the workers, and end as the training ends."""
    from graphspec.distribution.launch import launch as run_workers

    def say(line: str) -> None:
        if not quiet or line.startswith("warning: "):
            echo(line, err=True)

    sys.stdout.flush()
    end = run_workers(job, say, restarts=restarts)
    if end.status:
        click.get_current_context().exit(end.status)


def _write(text: str, output: Path | None) -> None:
    """Print the job, or write it to a file."""
    if output is None:
        click.echo(text, nl=False)
        return
    from graphspec.run_directory import check_destination, write

    check_destination(output)
    write(output, lambda part: part.write_text(text, encoding="utf-8"), parents=True)
    echo(f"Wrote {output}", err=True)
