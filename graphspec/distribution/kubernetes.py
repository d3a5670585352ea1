"""A training as a Kubernetes manifest: an Indexed Job, and the headless Service that names its pods."""

from __future__ import annotations

import json
import re

from graphspec.console.shell import RESUME_COMMAND, path_word
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_LAUNCH
from graphspec.distribution.cluster_job import ClusterJob, shell_line
from graphspec.distribution.local_cluster import tf_config

PORT = 2222
FOLDER = "/work"
"""The folder of a container in which the volume is mounted."""

_GRACE = 300
_INDEX = "$(JOB_COMPLETION_INDEX)"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def manifest(job: ClusterJob, *, image: str, claim: str) -> str:
    """Return the manifest of a job.

    Args:
        job: The job; its paths start at the root of the volume.
        image: The container image.
        claim: The name of the claim of the volume, which all pods mount.

    Raises:
        SpecError: Kubernetes would refuse the image or the claim.
    """
    if not image or not image.isprintable() or image != "".join(image.split()):
        raise SpecError.of(BAD_LAUNCH, f"{image!r} names no image", help="write --image registry/name:tag")
    if _NAME.fullmatch(claim) is None:
        raise SpecError.of(
            BAD_LAUNCH,
            f"{claim!r} names no claim of a volume",
            help="its name holds lower-case letters, digits, dashes and dots",
        )
    name = job.name
    hosts = [f"{name}-{index}.{name}:{PORT}" for index in range(job.workers)]
    again = f"kubectl replace --force -f {shell_line(path_word(job.file))}" if job.file is not None else ""
    return f"""\
# {job.workers} workers of one training. A worker that fails ends all; then all start again from the last checkpoint.
apiVersion: v1
kind: Service
metadata:
  name: {name}
spec:
  clusterIP: None  # names the pods: {name}-0.{name}
  publishNotReadyAddresses: true
  selector: {{app: {name}}}
  ports: [{{name: training, port: {PORT}}}]
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
spec:
  completionMode: Indexed
  completions: {job.workers}
  parallelism: {job.workers}  # all at once: a training by fewer workers does not begin
  backoffLimitPerIndex: {job.restarts}
  maxFailedIndexes: 0
  podReplacementPolicy: Failed  # never two workers of one number
  podFailurePolicy:
    rules:
      - action: Ignore  # an eviction counts as no failure
        onPodConditions: [{{type: DisruptionTarget, status: "True"}}]
      - action: FailJob  # a wrong command remains wrong
        onExitCodes: {{containerName: worker, operator: In, values: [2]}}
  template:
    metadata:
      labels: {{app: {name}}}
    spec:
      subdomain: {name}
      restartPolicy: Never
      terminationGracePeriodSeconds: {_GRACE}  # to write a checkpoint
      containers:
        - name: worker
          image: {_text(image)}
          workingDir: {FOLDER}
          command: [sh, -c]
          args:
            - |
{_indented(_escaped(_script(job)), 14)}
          env:
            - name: JOB_COMPLETION_INDEX
              valueFrom: {{fieldRef: {{fieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']"}}}}
            - name: TF_CONFIG
              value: {_text(tf_config([_escaped(each) for each in hosts], _INDEX))}
{_environment(again)}          ports: [{{name: training, containerPort: {PORT}}}]
{_resources(job)}          volumeMounts: [{{name: work, mountPath: {FOLDER}}}]
      volumes:
        - name: work
          persistentVolumeClaim: {{claimName: {claim}}}
"""


def _script(job: ClusterJob) -> str:
    return f"""\
if {job.has_checkpoint}; then
  exec {job.resume_command}
fi
if [ "$JOB_COMPLETION_INDEX" = 0 ] && [ -e {job.record_word} ]; then
  mv {job.run_word} {job.run_word}".ended-at-$(date +%s)"  # it ended before the first checkpoint
fi
exec {job.first_command}"""


def _environment(again: str) -> str:
    if not again:
        return ""
    return f"            - name: {RESUME_COMMAND}\n              value: {_text(_escaped(again))}\n"


def _resources(job: ClusterJob) -> str:
    memory = f"{job.memory}i" if job.memory is not None else None
    requests, limits = _flow({"cpu": job.cpus, "memory": memory}), _flow({"memory": memory, "nvidia.com/gpu": job.gpus})
    lines = [f"            {key}: {text}\n" for key, text in (("requests", requests), ("limits", limits)) if text]
    return "".join(["          resources:\n", *lines]) if lines else ""


def _flow(values: dict[str, object]) -> str:
    """Return the values that are stated as a YAML mapping on one line; empty without any."""
    stated = ", ".join(f"{name}: {value}" for name, value in values.items() if value is not None)
    return f"{{{stated}}}" if stated else ""


def _escaped(text: str) -> str:
    """Return `text` for where Kubernetes replaces `$(NAME)` by a variable and `$$` by `$`."""
    return re.sub(r"\$(?=[$(])", "$$", text)


def _text(text: str) -> str:
    """Return a YAML scalar."""
    return json.dumps(text, ensure_ascii=False)


def _indented(text: str, spaces: int) -> str:
    return "\n".join(" " * spaces + line if line else "" for line in text.split("\n"))
