"""A training as a batch script for Slurm, which puts itself into the queue again until the training has finished."""

from __future__ import annotations

import shlex

from graphspec.console.shell import RESUME_COMMAND, path_word
from graphspec.distribution.cluster_job import ClusterJob, shell_line
from graphspec.run_paths import WORKERS

SECONDS_TO_STOP = 300
"""Seconds before the end of the time of a job at which its training is stopped, to go on in another job."""


def batch_script(job: ClusterJob) -> str:
    """Return the text of a script for `sbatch`."""
    options = {
        "job-name": job.name,
        "nodes": job.workers,
        "ntasks": job.workers,
        "ntasks-per-node": 1,
        "cpus-per-task": job.cpus,
        "gpus-per-node": job.gpus,
        "mem": job.memory,
        "output": "%x-%j.log",
        "open-mode": "append",
        "signal": f"B:USR1@{SECONDS_TO_STOP}",
    }
    lines = "\n".join(f"#SBATCH --{key}={value}" for key, value in options.items() if value is not None)
    again = f"export {RESUME_COMMAND}={shlex.quote(f'sbatch {shell_line(path_word(job.file))}')}\n" if job.file else ""
    return f"""\
#!/bin/bash
# {job.workers} workers of one training. A worker that fails ends all; then all start again from the last checkpoint.
{lines}
#SBATCH --requeue
set -euo pipefail

export RUN={job.run_word}
{again}mkdir -p "$RUN/{WORKERS}"
if {job.has_checkpoint}; then
  command=({job.resume_command})
else
  if [[ -e {job.record_word} ]]; then  # it ended before the first checkpoint
    mv "$RUN" "$RUN.ended-at-$(date +%s)"
    mkdir -p "$RUN/{WORKERS}"
  fi
  command=({job.first_command})
fi

# TF_CONFIG is the same for all workers but for the number of the worker.
port=$((20000 + SLURM_JOB_ID % 10000))
addresses=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed "s/.*/\\"&:$port\\"/" | paste -s -d, -)
export CLUSTER="{{\\"worker\\": [$addresses]}}"

# Before the time of the job ends, the training is stopped at a checkpoint, and goes on in another job.
is_stopped=0 srun=
trap 'is_stopped=1; kill -TERM "$srun" 2>/dev/null || true' USR1

# shellcheck disable=SC2016  # the variables are those of each worker
srun --kill-on-bad-exit=1 ${{SLURM_CPUS_PER_TASK:+"--cpus-per-task=$SLURM_CPUS_PER_TASK"}} bash -c '
  export TF_CONFIG="{{\\"cluster\\": $CLUSTER, \\"task\\": {{\\"type\\": \\"worker\\", \\"index\\": $SLURM_PROCID}}}}"
  if [[ $SLURM_PROCID != 0 ]]; then exec >>"$RUN/{WORKERS}/worker-$SLURM_PROCID.log" 2>&1; fi
  exec "$@"' worker "${{command[@]}}" &
srun=$!
status=0
wait "$srun" || status=$?
if [[ $is_stopped == 1 ]]; then  # the signal ended `wait`, not the training
  status=0
  wait "$srun" || status=$?
fi

failures=$(cat "$RUN/{WORKERS}/failures" 2>/dev/null || echo 0)
if [[ $status == 0 ]]; then
  exit 0
elif [[ $is_stopped == 1 ]]; then
  echo "the time of the job ends; the training goes on in another one"
elif ((failures < {job.restarts})); then
  echo $((failures + 1)) >"$RUN/{WORKERS}/failures"
  echo "a worker failed (exit status $status); restart $((failures + 1)) of {job.restarts}"
else
  exit "$status"
fi
scontrol requeue "$SLURM_JOB_ID"
"""
