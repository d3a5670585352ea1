"""Every rule graphspec reports: its code, its name and what it stands for.

Codes are stable and grouped by the stage that finds them: GS0xx document, GS1xx schema, GS2xx objects,
GS3xx wiring, GS4xx calls and shapes, GS5xx training, GS6xx data, GS9xx the tool itself.
A rule is named where it is raised, so each has one constant here; `RULES` finds them by code.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from importlib.resources import files


class Severity(Enum):
    """An error stops the work; a warning is shown and the work goes on."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of finding; `name` is the code for people, `summary` one sentence on what is wrong.

    fixable: whether some of its findings bring a mend that `graphspec validate --fix` can make.
    """

    code: str
    name: str
    summary: str
    severity: Severity = Severity.ERROR
    fixable: bool = False

    @property
    def stage(self) -> str:
        """What of a spec it is about: the title that rules of its hundred share."""
        return STAGES[self.code[2]]


STAGES = {
    "0": "Document",
    "1": "Schema",
    "2": "Objects",
    "3": "Wiring",
    "4": "Calls and shapes",
    "5": "Training",
    "6": "Data",
    "9": "The tool itself",
}
"""By the third character of a code."""


__all__ = ["RULES", "Rule", "Severity"]

UNREADABLE_FILE = Rule("GS001", "unreadable-file", "The file is missing, is not UTF-8 text, or cannot be read.")
SYNTAX = Rule("GS002", "syntax", "The text is not valid YAML or JSON.")
DUPLICATE_KEY = Rule("GS003", "duplicate-key", "A mapping holds the same key twice.")
SEVERAL_DOCUMENTS = Rule("GS004", "several-documents", "A file holds more than one YAML document.")
TAG = Rule("GS005", "tag", "A YAML tag such as `!!python/object` stands before a value.")
TOO_LARGE = Rule("GS006", "too-large", "The document is too large, too deep, or its aliases expand too far.")
BAD_KEY = Rule("GS007", "bad-key", "A key is not text, or is a YAML 1.1 merge key.")
EMPTY_DOCUMENT = Rule("GS008", "empty-document", "The document is empty or is not a mapping.")
BAD_ALIAS = Rule("GS009", "bad-alias", "An alias names no anchor, or an anchor holds itself.")
YAML_TRAP = Rule(
    "GS010",
    "yaml-trap",
    "Plain text or a number that older YAML readers take for something else.",
    Severity.WARNING,
    fixable=True,
)

UNKNOWN_KEY = Rule("GS101", "unknown-key", "A mapping holds a key that the language does not have there.", fixable=True)
MISSING_KEY = Rule("GS102", "missing-key", "A required key is missing.")
WRONG_TYPE = Rule("GS103", "wrong-type", "A value is of another type than its key takes.", fixable=True)
BAD_VALUE = Rule("GS104", "bad-value", "A value is of the right type but out of range.")
BAD_NAME = Rule("GS105", "bad-name", "A name has characters that names do not have.")
LANGUAGE_VERSION = Rule("GS106", "language-version", "The spec is of another version of the language.")
NOT_YET = Rule("GS107", "not-yet", "A part of the language that this version of graphspec does not build yet.")
BAD_STEP = Rule("GS108", "bad-step", "A step is not one layer, model or block with its arguments.")
BAD_REFERENCE = Rule("GS109", "bad-reference", "A tensor reference is not `name`, `name[i]` or `name.output`.")
BAD_OVERRIDE = Rule("GS110", "bad-override", "A `--set` argument names a place that does not exist.")
BAD_EXPRESSION = Rule("GS111", "bad-expression", "An expression in `${...}` cannot be evaluated.")
BAD_INCLUDE = Rule("GS112", "bad-include", "An included file includes itself, or declares what is declared already.")

UNKNOWN_OBJECT = Rule("GS201", "unknown-object", "Keras has no layer, loss, optimizer, ... of that name.", fixable=True)
UNKNOWN_ARGUMENT = Rule("GS202", "unknown-argument", "An object has no argument of that name.", fixable=True)
MISSING_ARGUMENT = Rule("GS203", "missing-argument", "An argument without a default is not given.")
RETIRED = Rule("GS204", "retired", "Keras 3 no longer has this name or argument.", fixable=True)
CODE_CARRYING = Rule("GS205", "code-carrying", "A layer or callback that carries code; a spec carries none.")
BAD_OBJECT = Rule("GS206", "bad-object", "An object is written in a form that is neither a name nor one key.")
NOT_A_LAYER = Rule("GS207", "not-a-layer", "A name of keras.layers that cannot be applied in a graph.")
UNKNOWN_MERGE = Rule("GS208", "unknown-merge", "There is no merge of that name.")
REFUSED_ARGUMENTS = Rule("GS209", "refused-arguments", "Keras refused an object's arguments.")
COPIED_LAYER = Rule("GS210", "copied-layer", "A wrapper that copies its layer was given a shared one.")
UNREGISTERED = Rule("GS211", "unregistered", "A custom object is used that no plugin registers.")
PLUGIN_FAILED = Rule("GS212", "plugin-failed", "A plugin cannot be imported.")
ARGUMENT_VALUE = Rule("GS213", "argument-value", "An argument's value is none that Keras takes there.")

UNDEFINED_NAME = Rule("GS301", "undefined-name", "A reference names no input, node or output in scope.")
CYCLE = Rule("GS302", "cycle", "Nodes feed each other in a circle.")
NAME_CLASH = Rule("GS303", "name-clash", "Two things of one scope bear the same name.")
LAYER_NAME_CLASH = Rule("GS304", "layer-name-clash", "Two Keras layers would bear the same name.")
UNUSED = Rule("GS305", "unused", "An input, node, layer or model reaches no output.", Severity.WARNING)
BAD_SELECTION = Rule("GS306", "bad-selection", "A reference picks an output that its node does not have.")
MODEL_INPUTS = Rule("GS307", "model-inputs", "A model is not given exactly its inputs.")
MERGE_OPERANDS = Rule("GS308", "merge-operands", "A merge is not given a list of two or more tensors.")
RECURSION = Rule("GS309", "recursion", "A model or layer contains itself.")

REFUSED_CALL = Rule("GS401", "refused-call", "Keras refused to apply a layer to the tensors that came in.")
DROPPED_MASK = Rule("GS402", "dropped-mask", "A layer drops the mask of its input.", Severity.WARNING)
IGNORED_TRAINING = Rule(
    "GS403", "ignored-training", "A call says `training`, and Keras overrides it.", Severity.WARNING
)
WRONG_RANK = Rule("GS404", "wrong-rank", "A layer takes tensors of another number of dimensions.")
SHAPE_MISMATCH = Rule("GS405", "shape-mismatch", "The sizes of tensors that meet, or of a tensor and a layer, differ.")
OPEN_DIMENSION = Rule("GS406", "open-dimension", "A layer needs a size that the spec leaves open (`null`).")
VANISHED_DIMENSION = Rule("GS407", "vanished-dimension", "Nothing is left of a dimension after a layer.")
BAD_AXIS = Rule("GS408", "bad-axis", "An axis is none that the tensor has.")
SILENT_BROADCAST = Rule(
    "GS409", "silent-broadcast", "A merge stretches one tensor over another without a word.", Severity.WARNING
)
WRONG_DTYPE = Rule("GS410", "wrong-dtype", "A layer cannot compute with tensors of that dtype.")
BAD_OPERANDS = Rule("GS411", "bad-operands", "A layer takes another number of tensors, or others by name.")
UNFIT_ARGUMENT = Rule(
    "GS412", "unfit-argument", "An argument does not fit the tensor that comes in, or another argument."
)
UNCHECKED_INPUT = Rule(
    "GS413",
    "unchecked-input",
    "A layer cannot work on what comes in, though Keras builds the model.",
    Severity.WARNING,
)

MISSING_LOSS = Rule("GS501", "missing-loss", "An output has no loss, so it would silently never be trained.")
LOSS_ACTIVATION = Rule(
    "GS502", "loss-activation", "A loss or a metric does not fit the activation, units or shape of its output."
)
TARGET_SHAPE = Rule("GS503", "target-shape", "Targets do not have the shape that the output and its loss need.")
REFUSED_TRAINING = Rule("GS504", "refused-training", "Keras refused to compile or train the model.")
NOTHING_TO_TRAIN = Rule("GS505", "nothing-to-train", "The spec has no training, no data, or no loss to train with.")
UNUSED_WEIGHTS = Rule(
    "GS506", "unused-weights", "Weights are given for an output without a loss, or class weights for no classes."
)
UNKNOWN_MONITOR = Rule("GS507", "unknown-monitor", "A callback monitors a metric that the training does not report.")
FROZEN_EVERYTHING = Rule("GS508", "frozen-everything", "Every trainable layer is frozen, so there is nothing to train.")
UNMATCHED_FREEZE = Rule("GS509", "unmatched-freeze", "An entry of `freeze` matches no layer.")
LOGITS = Rule(
    "GS511", "logits", "A loss of probabilities is given values that no activation has made such.", Severity.WARNING
)
BAD_SEARCH = Rule(
    "GS513", "bad-search", "A search leads to no value of the spec, holds no values, or tries some that do not fit."
)
UNSAFE_PATH = Rule(
    "GS514", "unsafe-path", "A callback writes outside of its run, over a file of graphspec, or where another one does."
)
NETWORK = Rule("GS515", "network", "An object would open a network connection; a spec opens none.")
LOSS_NOT_FINITE = Rule("GS512", "loss-not-finite", "A loss became NaN or infinite while the model was trained.")
WEIGHTS_MISMATCH = Rule("GS510", "weights-mismatch", "A file of weights does not hold the weights that the model has.")

MISSING_FILE = Rule("GS601", "missing-file", "A file that the spec names does not exist.")
UNREADABLE_DATA = Rule("GS602", "unreadable-data", "A file cannot be read, or holds objects instead of numbers.")
UNKNOWN_COLUMN = Rule("GS603", "unknown-column", "A data file has no such column or array.")
SAMPLE_COUNT = Rule("GS604", "sample-count", "The sources of a split differ in their number of samples.")
DATA_SHAPE = Rule("GS605", "data-shape", "An array does not have the shape of its input.")
DATA_DTYPE = Rule("GS606", "data-dtype", "An array's dtype cannot be read as the dtype of its input.")
DATA_NAMES = Rule("GS607", "data-names", "A split does not name exactly the model's inputs and trained outputs.")
UNKNOWN_FORMAT = Rule("GS608", "unknown-format", "A data file's ending is of no known format.")
LABEL_RANGE = Rule(
    "GS609", "label-range", "Class indices, other targets or sample weights lie outside of what the loss takes."
)
NOT_FINITE = Rule("GS610", "not-finite", "A data file holds NaN or infinite values.")
SAME_DATA = Rule("GS611", "same-data", "Two splits take the very same samples.", Severity.WARNING)
INDEX_RANGE = Rule("GS612", "index-range", "An input holds indices that its `Embedding` does not have.")

MISSING_EXTRA = Rule("GS901", "missing-extra", "The command needs a package that is not installed.")
INTERNAL = Rule("GS902", "internal", "graphspec itself failed.")
BAD_RUN = Rule("GS903", "bad-run", "A run directory is missing, incomplete or already taken.")
CANNOT_WRITE = Rule("GS904", "cannot-write", "A file could not be written.")
UNUSED_IGNORE = Rule(
    "GS905", "unused-ignore", "A comment ignores a rule that is not found there.", Severity.WARNING, fixable=True
)
BAD_IGNORE = Rule("GS906", "bad-ignore", "A comment ignores nothing in particular, or a rule that does not exist.")
BAD_SETTINGS = Rule("GS907", "bad-settings", "`[tool.graphspec]` in a pyproject.toml cannot be read.")
REFUSED_EXPORT = Rule(
    "GS908", "refused-export", "A format has no place for a model, or what was exported gives other numbers."
)
CHANGED_SPEC = Rule("GS909", "changed-spec", "The spec of a run or a study was edited after it was begun.")

RULES: dict[str, Rule] = {rule.code: rule for rule in list(globals().values()) if isinstance(rule, Rule)}


def find_rule(asked: str) -> Rule | None:
    """The rule of a code or a name, in any case."""
    wanted = asked.strip().casefold()
    return next((rule for rule in RULES.values() if wanted in (rule.code.casefold(), rule.name)), None)


def read_page(rule: Rule) -> str:
    """The page of `rule`, as Markdown."""
    return (files("graphspec.diagnostics.rules") / f"{rule.code}.md").read_text(encoding="utf-8")
