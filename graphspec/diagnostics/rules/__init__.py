"""Every rule that graphspec reports, and its page.

Codes are stable. A rule is named where it is reported, so each has one constant here; `RULES` finds them by code.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from enum import Enum, IntEnum
from importlib.resources import files


class Severity(Enum):
    """The severity of a rule: an error stops the work, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Stage(IntEnum):
    """A stage of the work on a spec; the codes of its rules begin with its number."""

    DOCUMENT = 0
    SCHEMA = 1
    OBJECTS = 2
    WIRING = 3
    CALLS = 4
    TRAINING = 5
    DATA = 6
    MODEL = 7
    TOOL = 9

    @property
    def title(self) -> str:
        """The name of the stage in lists of rules."""
        return {Stage.CALLS: "Calls and shapes", Stage.MODEL: "Models of Keras", Stage.TOOL: "The tool itself"}.get(
            self, self.name.capitalize()
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of diagnostic.

    Attributes:
        name: The code for people, such as `unknown-key`.
        summary: One sentence on what is wrong.
        fixable: True if `graphspec validate --fix` fixes some of its diagnostics.
        static: True if `validate` finds all of them from the text and the headers of data files alone; for the others
            data is read whole, or a model is built.
    """

    code: str
    name: str
    stage: Stage
    summary: str
    _: KW_ONLY
    severity: Severity = Severity.ERROR
    fixable: bool = False
    static: bool = True


__all__ = ["RULES", "Rule", "Severity", "Stage"]

WARNING = Severity.WARNING
DOCUMENT, SCHEMA, OBJECTS, WIRING, CALLS, TRAINING, DATA, MODEL, TOOL = Stage

UNREADABLE_FILE = Rule(
    "GS001", "unreadable-file", DOCUMENT, "The file is missing, is not UTF-8 text, or cannot be read."
)
SYNTAX = Rule("GS002", "syntax", DOCUMENT, "The text is not valid YAML or JSON.")
DUPLICATE_KEY = Rule("GS003", "duplicate-key", DOCUMENT, "A mapping holds the same key twice.")
SEVERAL_DOCUMENTS = Rule("GS004", "several-documents", DOCUMENT, "A file holds more than one YAML document.")
TAG = Rule("GS005", "tag", DOCUMENT, "A YAML tag such as `!!python/object` is before a value.")
TOO_LARGE = Rule("GS006", "too-large", DOCUMENT, "The document is too large, too deep, or its aliases expand too far.")
BAD_KEY = Rule("GS007", "bad-key", DOCUMENT, "A key is not text, or is a YAML 1.1 merge key.")
EMPTY_DOCUMENT = Rule("GS008", "empty-document", DOCUMENT, "The document is empty or is not a mapping.")
BAD_ALIAS = Rule("GS009", "bad-alias", DOCUMENT, "An alias names no anchor, or an anchor holds itself.")
YAML_TRAP = Rule(
    "GS010",
    "yaml-trap",
    DOCUMENT,
    "A plain value that YAML 1.1 readers take for something else.",
    severity=WARNING,
    fixable=True,
)

UNKNOWN_KEY = Rule(
    "GS101", "unknown-key", SCHEMA, "A mapping holds a key that the language does not have there.", fixable=True
)
MISSING_KEY = Rule("GS102", "missing-key", SCHEMA, "A required key is missing.")
WRONG_TYPE = Rule("GS103", "wrong-type", SCHEMA, "A value does not have the type that its key takes.", fixable=True)
BAD_VALUE = Rule("GS104", "bad-value", SCHEMA, "A value is of the right type but out of range.")
BAD_NAME = Rule("GS105", "bad-name", SCHEMA, "A name has characters that names do not have.")
LANGUAGE_VERSION = Rule("GS106", "language-version", SCHEMA, "The spec is written in another version of the language.")
BAD_STEP = Rule("GS108", "bad-step", SCHEMA, "A step is not one layer, model or block with its arguments.")
BAD_REFERENCE = Rule("GS109", "bad-reference", SCHEMA, "A tensor reference is not `name`, `name[i]` or `name.output`.")
BAD_OVERRIDE = Rule("GS110", "bad-override", SCHEMA, "A `--set` argument names a place that does not exist.")
BAD_EXPRESSION = Rule("GS111", "bad-expression", SCHEMA, "An expression in `${...}` cannot be evaluated.")
BAD_INCLUDE = Rule(
    "GS112", "bad-include", SCHEMA, "An included file includes itself, or declares what is declared already."
)
BAD_EACH = Rule("GS130", "bad-each", SCHEMA, "`each` does not give a node for each of several values.")
BAD_CONSTANT = Rule("GS131", "bad-constant", SCHEMA, "A `constant` is no array of numbers, or stands beside a `from`.")
BAD_WEIGHT = Rule("GS132", "bad-weight", SCHEMA, "A `weight` is none that a model trains, or stands beside a `from`.")

UNKNOWN_OBJECT = Rule(
    "GS201", "unknown-object", OBJECTS, "Keras has no layer, loss, optimizer, ... of that name.", fixable=True
)
UNKNOWN_ARGUMENT = Rule("GS202", "unknown-argument", OBJECTS, "An object has no argument of that name.", fixable=True)
MISSING_ARGUMENT = Rule("GS203", "missing-argument", OBJECTS, "A required argument is missing.")
RETIRED = Rule("GS204", "retired", OBJECTS, "Keras 3 no longer has this name or argument.", fixable=True)
CODE_CARRYING = Rule(
    "GS205", "code-carrying", OBJECTS, "A layer or callback runs code of its own, which a spec cannot hold."
)
BAD_OBJECT = Rule(
    "GS206", "bad-object", OBJECTS, "An object is neither a name nor a mapping from its name to its arguments."
)
NOT_A_LAYER = Rule(
    "GS207", "not-a-layer", OBJECTS, "A name of `keras.layers` is not a layer that can be applied in a graph."
)
UNKNOWN_MERGE = Rule("GS208", "unknown-merge", OBJECTS, "There is no merge of that name.")
REFUSED_ARGUMENTS = Rule("GS209", "refused-arguments", OBJECTS, "Keras refused an object's arguments.", static=False)
COPIED_LAYER = Rule("GS210", "copied-layer", OBJECTS, "A wrapper that copies its layer gets a shared one.")
UNREGISTERED = Rule("GS211", "unregistered", OBJECTS, "No plugin registers the custom object.")
PLUGIN_FAILED = Rule("GS212", "plugin-failed", OBJECTS, "A plugin cannot be imported.", static=False)
ARGUMENT_VALUE = Rule("GS213", "argument-value", OBJECTS, "Keras does not accept the value of an argument.")
OTHER_KERAS = Rule(
    "GS220", "other-keras", OBJECTS, "The version of Keras lacks what the spec needs, and another one has it."
)

UNDEFINED_NAME = Rule("GS301", "undefined-name", WIRING, "A reference names no input, node or output in scope.")
CYCLE = Rule("GS302", "cycle", WIRING, "Nodes depend on each other in a cycle.")
NAME_CLASH = Rule("GS303", "name-clash", WIRING, "Two things in one scope have the same name.")
LAYER_NAME_CLASH = Rule("GS304", "layer-name-clash", WIRING, "Two Keras layers would have the same name.")
UNUSED = Rule("GS305", "unused", WIRING, "An input, node, layer or model reaches no output.", severity=WARNING)
BAD_SELECTION = Rule("GS306", "bad-selection", WIRING, "A reference picks an output that its node does not have.")
MODEL_INPUTS = Rule("GS307", "model-inputs", WIRING, "A model does not get exactly its inputs.")
MERGE_OPERANDS = Rule("GS308", "merge-operands", WIRING, "A merge gets a wrong number of tensors.")
RECURSION = Rule("GS309", "recursion", WIRING, "A model or layer contains itself.")

REFUSED_CALL = Rule("GS401", "refused-call", CALLS, "Keras refused to apply a layer to its inputs.", static=False)
DROPPED_MASK = Rule(
    "GS402", "dropped-mask", CALLS, "A layer drops the mask of its input.", severity=WARNING, static=False
)
IGNORED_TRAINING = Rule(
    "GS403", "ignored-training", CALLS, "A call sets `training`, which Keras overrides.", severity=WARNING
)
WRONG_RANK = Rule("GS404", "wrong-rank", CALLS, "A tensor does not have the number of dimensions that the layer takes.")
SHAPE_MISMATCH = Rule(
    "GS405", "shape-mismatch", CALLS, "The sizes of two tensors, or of a tensor and a layer, do not match."
)
OPEN_DIMENSION = Rule("GS406", "open-dimension", CALLS, "A layer needs a size that the spec leaves open (`null`).")
VANISHED_DIMENSION = Rule("GS407", "vanished-dimension", CALLS, "A layer shrinks a dimension to nothing.")
BAD_AXIS = Rule("GS408", "bad-axis", CALLS, "The tensor does not have the axis.")
SILENT_BROADCAST = Rule(
    "GS409", "silent-broadcast", CALLS, "A merge silently broadcasts one tensor over another.", severity=WARNING
)
WRONG_DTYPE = Rule("GS410", "wrong-dtype", CALLS, "A layer cannot compute with tensors of this dtype.")
BAD_OPERANDS = Rule(
    "GS411", "bad-operands", CALLS, "A layer does not get the tensors that it takes, by number or by name."
)
UNFIT_ARGUMENT = Rule(
    "GS412", "unfit-argument", CALLS, "An argument does not fit the input tensor or another argument."
)
UNCHECKED_INPUT = Rule(
    "GS413",
    "unchecked-input",
    CALLS,
    "A layer will fail on its input, though Keras builds the model.",
    severity=WARNING,
)
NO_BATCH = Rule(
    "GS430", "no-batch", CALLS, "An output, or all that a model takes, comes from no input, so it has no batch axis."
)
LOST_BATCH = Rule(
    "GS435", "lost-batch", CALLS, "An output that is trained does not have one row for each sample of a batch."
)
NO_GRADIENT = Rule(
    "GS436", "no-gradient", CALLS, "An output that is trained holds values without a gradient: whole numbers or text."
)
BAD_LOSS = Rule("GS440", "bad-loss", CALLS, "A loss of the graph is not one number, nor one a sample.")
BAD_TAP = Rule("GS441", "bad-tap", CALLS, "A model from elsewhere has no such inner layer to take an output from.")

MISSING_LOSS = Rule("GS501", "missing-loss", TRAINING, "An output has no loss, so it would silently never be trained.")
LOSS_ACTIVATION = Rule(
    "GS502",
    "loss-activation",
    TRAINING,
    "A loss or a metric does not fit the activation, units or shape of its output.",
)
TARGET_SHAPE = Rule(
    "GS503", "target-shape", TRAINING, "Targets do not have the shape that the output and its loss need."
)
REFUSED_TRAINING = Rule(
    "GS504", "refused-training", TRAINING, "Keras refused to compile or train the model.", static=False
)
NOTHING_TO_TRAIN = Rule(
    "GS505", "nothing-to-train", TRAINING, "The spec has no training, no data, or no loss to train with.", static=False
)
UNUSED_WEIGHTS = Rule(
    "GS506",
    "unused-weights",
    TRAINING,
    "Weights are set for an output without a loss, or class weights for an output without classes.",
)
UNKNOWN_MONITOR = Rule(
    "GS507", "unknown-monitor", TRAINING, "A callback monitors a metric that this training does not report."
)
FROZEN_EVERYTHING = Rule(
    "GS508", "frozen-everything", TRAINING, "Every trainable layer is frozen, so there is nothing to train."
)
UNMATCHED_FREEZE = Rule(
    "GS509",
    "unmatched-freeze",
    TRAINING,
    "An entry of `freeze`, `unfreeze` or `learning_rate_multipliers` matches no layer.",
)
WEIGHTS_MISMATCH = Rule(
    "GS510", "weights-mismatch", TRAINING, "A weights file does not hold the weights of the model.", static=False
)
LOGITS = Rule("GS511", "logits", TRAINING, "A loss that takes probabilities gets other values.", severity=WARNING)
LOSS_NOT_FINITE = Rule(
    "GS512", "loss-not-finite", TRAINING, "A loss became NaN or infinite while the model was trained.", static=False
)
BAD_SEARCH = Rule(
    "GS513",
    "bad-search",
    TRAINING,
    "A search names no value of the spec, has no choices, or has choices that do not fit.",
)
UNSAFE_PATH = Rule(
    "GS514",
    "unsafe-path",
    TRAINING,
    "A callback writes outside of the run, over a file of graphspec, or where another one writes.",
)
NETWORK = Rule("GS515", "network", TRAINING, "An object opens a network connection, which a spec may not do.")
NOT_DISTRIBUTABLE = Rule(
    "GS516",
    "not-distributable",
    TRAINING,
    "A training on several devices has a part that no shares of a batch add up to.",
)
BATCH_STATISTICS = Rule(
    "GS517",
    "batch-statistics",
    TRAINING,
    "A layer uses statistics of the rows of one device instead of those of the whole batch.",
    severity=WARNING,
)
NO_WHOLE_BATCH = Rule(
    "GS520", "no-whole-batch", TRAINING, "`drop_remainder` leaves out every sample, because no batch is whole."
)
BAD_STAGE = Rule(
    "GS521", "bad-stage", TRAINING, "A stage of a training contradicts another setting, or changes nothing."
)
IDLE_MULTIPLIER = Rule(
    "GS522",
    "idle-multiplier",
    TRAINING,
    "An entry of `learning_rate_multipliers` changes the learning rate of no layer.",
    severity=WARNING,
)
UNMATCHED_LORA = Rule("GS530", "unmatched-lora", TRAINING, "An entry of `lora` matches no layer.")
NO_LORA = Rule(
    "GS531", "no-lora", TRAINING, "An entry of `lora` matches layers, but none of them has a kernel that LoRA adapts."
)
REFUSED_LORA = Rule("GS532", "refused-lora", TRAINING, "Keras refuses LoRA for a layer as it is written.")

MISSING_FILE = Rule("GS601", "missing-file", DATA, "A file that the spec names does not exist.")
UNREADABLE_DATA = Rule("GS602", "unreadable-data", DATA, "A file cannot be read, or holds objects instead of numbers.")
UNKNOWN_COLUMN = Rule("GS603", "unknown-column", DATA, "A data file has no such column or array.")
SAMPLE_COUNT = Rule("GS604", "sample-count", DATA, "The sources of a split have different numbers of samples.")
DATA_SHAPE = Rule("GS605", "data-shape", DATA, "An array does not have the shape of its input.")
DATA_DTYPE = Rule("GS606", "data-dtype", DATA, "The dtype of an array cannot be converted to that of its input.")
DATA_NAMES = Rule("GS607", "data-names", DATA, "A split does not name exactly the model's inputs and trained outputs.")
UNKNOWN_FORMAT = Rule("GS608", "unknown-format", DATA, "The extension of a data file is not that of a known format.")
LABEL_RANGE = Rule(
    "GS609",
    "label-range",
    DATA,
    "Class indices, other targets or sample weights are outside of the range that the loss takes.",
    static=False,
)
NOT_FINITE = Rule("GS610", "not-finite", DATA, "A data file holds NaN or infinite values.", static=False)
SAME_DATA = Rule("GS611", "same-data", DATA, "Two splits use the same samples.", severity=WARNING)
INDEX_RANGE = Rule(
    "GS612", "index-range", DATA, "An input holds indices outside of the range of its `Embedding`.", static=False
)
FIXED_BATCH = Rule(
    "GS620", "fixed-batch", DATA, "A model is made for batches of one size, which the batches of a split do not have."
)

NOT_A_MODEL = Rule("GS701", "not-a-model", MODEL, "A file holds no model that Keras wrote.", static=False)
NO_EQUIVALENT = Rule("GS702", "no-equivalent", MODEL, "A model has a part that no spec can hold.", static=False)
RENAMED = Rule(
    "GS703", "renamed", MODEL, "A name of a model is not one of the language.", severity=WARNING, static=False
)
NOT_WRITTEN = Rule(
    "GS704", "not-written", MODEL, "The spec of a model leaves out a part of it.", severity=WARNING, static=False
)
PLUGIN_NEEDED = Rule(
    "GS705",
    "plugin-needed",
    MODEL,
    "A model has a custom layer, and does not say which module registers it.",
    severity=WARNING,
    static=False,
)
LEGACY_FORM = Rule(
    "GS710",
    "legacy-form",
    MODEL,
    "A model of Keras 1 or 2 is not of the form that these write, or its file cannot be read.",
    static=False,
)
LEGACY_LAYER = Rule(
    "GS711", "legacy-layer", MODEL, "A layer of Keras 1 or 2 has no equivalent in Keras 3.", static=False
)
LEGACY_ARGUMENT = Rule(
    "GS712",
    "legacy-argument",
    MODEL,
    "An argument of Keras 1 or 2, or a value of it, has no equivalent in Keras 3.",
    static=False,
)
LEGACY_FUNCTION = Rule(
    "GS713", "legacy-function", MODEL, "A function of TensorFlow in a model has no equivalent operation.", static=False
)
LEGACY_DIFFERENCE = Rule(
    "GS714",
    "legacy-difference",
    MODEL,
    "A part of a model is translated, but trains or is initialized in another way than in Keras 1 or 2.",
    severity=WARNING,
    static=False,
)
LEGACY_TRAINING = Rule(
    "GS715",
    "legacy-training",
    MODEL,
    "A part of the training configuration of Keras 1 or 2 has no equivalent, and is left out.",
    severity=WARNING,
    static=False,
)
LEGACY_WEIGHTS = Rule(
    "GS716", "legacy-weights", MODEL, "Weights in a file of Keras 1 or 2 cannot be converted.", static=False
)

MISSING_EXTRA = Rule("GS901", "missing-extra", TOOL, "The command needs a package that is not installed.")
INTERNAL = Rule("GS902", "internal", TOOL, "graphspec itself failed.")
BAD_RUN = Rule("GS903", "bad-run", TOOL, "A run directory is missing, incomplete or already taken.")
CANNOT_WRITE = Rule("GS904", "cannot-write", TOOL, "A file could not be written.")
UNUSED_IGNORE = Rule(
    "GS905",
    "unused-ignore",
    TOOL,
    "A comment ignores a rule that is not reported there.",
    severity=WARNING,
    fixable=True,
)
BAD_IGNORE = Rule("GS906", "bad-ignore", TOOL, "A comment names no rule to ignore, or one that does not exist.")
BAD_SETTINGS = Rule("GS907", "bad-settings", TOOL, "`[tool.graphspec]` in a pyproject.toml cannot be read.")
REFUSED_EXPORT = Rule(
    "GS908", "refused-export", TOOL, "A format cannot hold the model, or the exported model gives other numbers."
)
CHANGED_SPEC = Rule("GS909", "changed-spec", TOOL, "The spec of a run or a study was edited after the start.")
BAD_REVISION = Rule("GS910", "bad-revision", TOOL, "A file of a git revision cannot be read.")
TWO_STARTS = Rule("GS911", "two-starts", TOOL, "A training would start from two files of weights.")
BAD_CLUSTER = Rule(
    "GS912", "bad-cluster", TOOL, "`TF_CONFIG` is missing or wrong, or its workers cannot share the training."
)
WORKERS_DIFFER = Rule(
    "GS913", "workers-differ", TOOL, "The workers of a training have different specs, data, versions or weights."
)
LOST_WORKER = Rule(
    "GS914", "lost-worker", TOOL, "A worker of a training cannot be reached, or was lost while it trained."
)
BAD_LAUNCH = Rule("GS915", "bad-launch", TOOL, "A job of several workers cannot be started or written as asked.")
FAILED_WORKER = Rule("GS916", "failed-worker", TOOL, "A worker of a job failed or was killed.")
UNFIT_KERAS = Rule("GS917", "unfit-keras", TOOL, "The installed Keras lacks what a feature of graphspec needs.")
BAD_STORAGE = Rule("GS918", "bad-storage", TOOL, "The storage that workers share a study in cannot be used.")
OTHER_STUDY = Rule("GS919", "other-study", TOOL, "The storage or the data belongs to another study.")
UNAVAILABLE_PRESET = Rule(
    "GS920", "unavailable-preset", TOOL, "A preset of KerasHub is not on this machine, and cannot be fetched."
)

RULES: dict[str, Rule] = {rule.code: rule for rule in list(globals().values()) if isinstance(rule, Rule)}


def find_rule(selector: str) -> Rule | None:
    """Return the rule with that code or name, in any case."""
    folded = selector.strip().casefold()
    return next((rule for rule in RULES.values() if folded in (rule.code.casefold(), rule.name)), None)


def read_page(rule: Rule) -> str:
    """Return the page of `rule` as Markdown."""
    return (files("graphspec.diagnostics.rules") / f"{rule.code}.md").read_text(encoding="utf-8")
