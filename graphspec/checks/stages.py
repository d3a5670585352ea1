"""Check that the stages of a training agree with its other settings."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.checks.context import CheckContext
from graphspec.diagnostics import Diagnostic, Label, Span
from graphspec.diagnostics.rules import BAD_STAGE


def check_stages(context: CheckContext) -> Iterator[Diagnostic]:
    """Report `epochs` beside `stages`, and two stages of one name."""
    settings, training = context.settings, context.training
    if settings is None or not settings.stages:
        return
    if settings.states("epochs"):
        yield Diagnostic(
            BAD_STAGE,
            f"each stage states its `epochs`, {settings.all_epochs:,} together, so the training states none",
            settings.key_span("epochs"),
            expected="`epochs` in each stage alone",
            help="remove it, or change `epochs` of a stage, such as `training.stages[0].epochs`",
            labels=(Label(settings.key_span("stages"), "the stages"),),
        )
    first: dict[str, Span] = {}
    for stage in training.stages if training is not None else []:
        if stage.name in first:
            yield Diagnostic(
                BAD_STAGE,
                f"two stages have the name `{stage.name}`",
                stage.span,
                expected="another name, by which logs and reports tell stages apart",
                help="write another `name`, or leave it out",
                labels=(Label(first[stage.name], "the other one"),),
            )
        first.setdefault(stage.name, stage.span)
