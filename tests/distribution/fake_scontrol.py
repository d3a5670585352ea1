"""`scontrol` of a Slurm of one machine: names hosts, and notes what is put into the queue again."""

import os
import re
import sys
from pathlib import Path

if sys.argv[1:3] == ["show", "hostnames"]:
    match = re.fullmatch(r"(\w+)\[(\d+)-(\d+)\]", sys.argv[3])
    assert match is not None, sys.argv
    print("\n".join(f"{match[1]}{number}" for number in range(int(match[2]), int(match[3]) + 1)))
elif sys.argv[1] == "requeue":
    assert sys.argv[2:] == [os.environ["SLURM_JOB_ID"]]
    Path(os.environ["FAKE_QUEUE"]).write_text(sys.argv[2], encoding="utf-8")
else:
    sys.exit(f"unknown: {sys.argv}")
