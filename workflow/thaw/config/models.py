"""The config's keys: what each may hold, its default, and what it is for.

This is the only place that says so. The checks, the defaults, the schema for editors
and the reference page all follow from here; after a change,
`python -m thaw.config.generate` writes the last two anew.
"""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, create_model

from thaw.config.extents import GENERATED
from thaw.config.kinds import (
    ALTERNATIVES,
    EACH_ONCE,
    LARGEST_NUMBER,
    LARGEST_SEED,
    MOST_COLUMNS,
    MOST_EPOCHS,
    MOST_LAYERS,
    MOST_REPEATS,
    MOST_ROWS,
    MOST_UNITS,
    ONE_IS_A_LIST,
    WHOLE,
    Changes,
    Group,
    optional_keys,
)
from thaw.findings.metrics import METRICS

# A key that may be left out, and then means nothing: None cannot be written.
LEFT_OUT: Any = None

Name = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        max_length=100,
        description=(
            "letters, digits, - and _, with a letter or digit first, 100 at most; "
            "names become folders and targets"
        ),
    ),
]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED), WHOLE]
Rows = Annotated[int, Field(ge=1, le=MOST_ROWS), WHOLE]
Repeats = Annotated[int, Field(ge=1, le=MOST_REPEATS), WHOLE]
Positive = Annotated[float, Field(gt=0, le=LARGEST_NUMBER)]
Width = Annotated[
    int,
    Field(ge=1, le=MOST_UNITS, description="How many ReLU units a hidden layer has."),
    WHOLE,
]
# It stands in tables: a formula would begin otherwise.
GroupName = Annotated[
    str,
    Field(
        pattern=r"^[\w(\[\\.^][ -~]*$",
        max_length=200,
        description="a part's name, or a regular expression for several",
    ),
]
Layer = Annotated[
    Annotated[int, Field(ge=1, le=MOST_LAYERS), WHOLE] | GroupName,
    ALTERNATIVES,
    Field(
        description=(
            "the number of a hidden layer, from 1, the name of one of the network's "
            "groups, or output"
        )
    ),
]
TargetSize = Annotated[
    Rows | Literal["all"],
    ALTERNATIVES,
    Field(description="a whole number, 1 or more, or all"),
]
VariantName = Annotated[str, Field(description="A variant's name.")]
Pair = Annotated[
    list[VariantName],
    Field(
        min_length=2,
        max_length=2,
        description="two different variants of the study",
        json_schema_extra={"uniqueItems": True},
    ),
    EACH_ONCE,
    ONE_IS_A_LIST,
]
# Its values are found when this runs, so no type checker can know them.
MetricName: Any = Literal[tuple(METRICS)]


Argument = Annotated[
    bool | int | float | str | Annotated[list[int | float], Field(max_length=1_000)],
    ALTERNATIVES,
    Field(description="A number, text, true or false, or a list of numbers."),
]
Arguments = dict[
    Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z][A-Za-z0-9_]*$",
            max_length=100,
            description="the name of an argument",
        ),
    ],
    Argument,
]


Command = Annotated[str, Field(pattern=r"^[^\x00-\x1f]+$", max_length=1_000)]
TrainerFile = Annotated[
    str,
    Field(
        # As of data; Snakemake and stages would take others for more than a path.
        pattern=r"^[^-{}\x00-\x1f]([^{}\x00-\x1f]*[^/{}\x00-\x1f])?$",
        max_length=1_000,
        description="a file; its path without braces, and a - in front as ./-",
    ),
]
PackageName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$",
        max_length=100,
        description="a package's name, such as scikit-learn",
    ),
]


class Network(Changes):
    """The network: hidden layers, or a module or trainer of your own."""

    hidden: list[Width] = Field(
        default=LEFT_OUT,
        min_length=1,
        max_length=MOST_LAYERS,
        description=(
            "The widths of the source model's hidden layers, the first one first."
        ),
    )
    activation: Literal["relu", "elu", "tanh"] = Field(
        default="relu",
        description="The hidden layers' activation: relu, elu or tanh.",
    )
    dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description=(
            "The share of each hidden layer's units that a step of training leaves "
            "out; in frozen layers none."
        ),
    )
    module: Annotated[str, Field(pattern=r"^[^:]+:[A-Za-z_]\w*$", max_length=1_000)] = (
        Field(
            default=LEFT_OUT,
            description=(
                "In the place of hidden: the function that returns a torch.nn.Module, "
                "as in networks.py:small_cnn (a file, from the working directory) or "
                "torchvision.models:resnet18 (of an installed package)."
            ),
        )
    )
    arguments: Arguments = Field(
        default=LEFT_OUT,
        max_length=100,
        description=(
            "The function's arguments, by name; $classes, $features and $shape stand "
            "for the problem's. Or what a trainer is told, by names that it knows."
        ),
    )
    groups: Annotated[list[GroupName], EACH_ONCE] = Field(
        default=LEFT_OUT,
        min_length=2,
        max_length=MOST_LAYERS,
        json_schema_extra={"uniqueItems": True},
        description=(
            "The module's layer groups in order, the output last: names of its parts, "
            "or regular expressions; left out, its top-level parts that hold weights. "
            "Or what a trainer calls its own; left out, it freezes nothing."
        ),
    )
    trainer: Command = Field(
        default=LEFT_OUT,
        description=(
            "In the place of hidden: a command that trains, as in python trainer.py; "
            "it is run without a shell, in the working directory."
        ),
    )
    files: Annotated[list[TrainerFile], EACH_ONCE] = Field(
        default=LEFT_OUT,
        max_length=1_000,
        json_schema_extra={"uniqueItems": True},
        description=(
            "The trainer's files, from the working directory: whatever of them is "
            "edited, all that it trains is trained again."
        ),
    )
    packages: Annotated[list[PackageName], EACH_ONCE] = Field(
        default=LEFT_OUT,
        max_length=1_000,
        json_schema_extra={"uniqueItems": True},
        description=(
            "The installed packages with which the trainer computes, as pip calls "
            "them: with another version all that it trains is trained again."
        ),
    )


class Augment(Changes):
    """What is changed, at random, in the rows that a network learns from.

    They are changed each time otherwise; the classes stay.
    """

    flip: bool = Field(
        default=LEFT_OUT,
        description="Whether half of them are mirrored, left to right.",
    )
    shift: Annotated[int, Field(ge=0, le=10_000), WHOLE] = Field(
        default=LEFT_OUT,
        description=(
            "By how many points each is moved at most, along each side; what stands at "
            "the border is repeated."
        ),
    )
    noise: Annotated[float, Field(ge=0, le=LARGEST_NUMBER)] = Field(
        default=LEFT_OUT,
        description=(
            "The standard deviation of normal noise that is added, in units of the "
            "scaled features."
        ),
    )


class Training(Group):
    """How networks learn: repeats and, unless `pretraining` differs, source models."""

    epochs: Annotated[int, Field(ge=1, le=MOST_EPOCHS), WHOLE] = Field(
        default=LEFT_OUT,
        description=(
            "How often a network sees the train set. Either this or steps is set."
        ),
    )
    steps: Annotated[int, Field(ge=1, le=MOST_ROWS), WHOLE] = Field(
        default=LEFT_OUT,
        description=(
            "How many steps of gradient descent it takes in all, whatever the number "
            "of rows; the last epoch is cut there."
        ),
    )
    batch_size: Rows = Field(
        description="How many rows a step of gradient descent averages over."
    )
    learning_rate: Annotated[
        Positive | Annotated[list[Positive], Field(min_length=2, max_length=100)],
        ALTERNATIVES,
    ] = Field(
        description=(
            "The size of a step, a finite number, more than 0, 1000000 or less; or a "
            "list of 2 to 100, of which each network keeps the one with the least loss "
            "on its validation rows."
        )
    )
    validation_size: float = Field(
        default=LEFT_OUT,
        gt=0,
        le=0.5,
        description=(
            "The share of a network's own train rows that it does not learn from, to "
            "choose its learning rate, and the epoch, on; such as 0.2."
        ),
    )
    keep: Literal["last", "best"] = Field(
        default="last",
        description=(
            "What is kept of a network: what it is in the end or, with best, after "
            "the epoch of the least loss on its validation rows."
        ),
    )
    optimizer: Literal["sgd", "adam", "adamw"] = Field(
        default="sgd",
        description="How weights follow their gradient: sgd, adam or adamw.",
    )
    momentum: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="How much of its last steps sgd takes again with each step.",
    )
    nesterov: bool = Field(
        default=False, description="Whether momentum is Nesterov's, which looks ahead."
    )
    weight_decay: Annotated[float, Field(ge=0, le=LARGEST_NUMBER)] = Field(
        default=0.0,
        description=(
            "How much weights and biases shrink: as part of the gradient or, with "
            "adamw, apart from it."
        ),
    )
    augment: Augment = Field(
        default=LEFT_OUT,
        description="Changes of the rows that a module learns from; left out, none.",
    )
    device: Literal["cpu", "cuda", "auto"] = Field(
        default="cpu",
        description=(
            "Where a module, or what a trainer trains, learns: cpu, cuda (an NVIDIA "
            "GPU) or auto (a GPU where there is one)."
        ),
    )
    arguments: Arguments = Field(
        default=LEFT_OUT,
        max_length=100,
        description=(
            "What a trainer is told in the place of some of network.arguments; a "
            "trainer only."
        ),
    )


# Its keys are found when this runs, so no type checker can know them.
ChangedTraining: Any = create_model(
    "ChangedTraining",
    __base__=Changes,
    __doc__="What differs from `training`.",
    **optional_keys(Training),
)


class MakeBlobs(Group):
    """The arguments of scikit-learn's make_blobs."""

    n_samples: Annotated[int, Field(ge=2, le=MOST_ROWS), WHOLE] = Field(
        description="How many rows."
    )
    centers: Annotated[int, Field(ge=2, le=MOST_UNITS), WHOLE] = Field(
        description="How many classes, one blob each."
    )
    n_features: Annotated[int, Field(ge=1, le=MOST_UNITS), WHOLE] = Field(
        description="How many features."
    )
    cluster_std: Positive = Field(description="The standard deviation of a blob.")
    random_state: Annotated[int, Field(ge=0, le=2**32 - 1), WHOLE] = Field(
        description="The seed of the data."
    )


File = Annotated[
    str,
    Field(
        # Snakemake takes braces for wildcards, and a stage what begins with - for an
        # option.
        pattern=(
            r"^[^-{}\x00-\x1f]([^{}\x00-\x1f]*[^/{}\x00-\x1f])?"
            r"\.(csv|tsv|parquet|npz)$"
        ),
        max_length=1_000,
        description=(
            "A .csv, .tsv, .parquet or .npz file, from the working directory; its path "
            "without braces and line breaks, and a - in front as ./-."
        ),
    ),
]
ColumnName = Annotated[
    str, Field(min_length=1, max_length=1_000, description="A column's name.")
]
Columns = Annotated[
    list[ColumnName],
    Field(max_length=MOST_COLUMNS, json_schema_extra={"uniqueItems": True}),
    EACH_ONCE,
]
# YAML reads yes, no, true and false as true or false; files hold text.
Value = Annotated[
    int | float | str,
    ALTERNATIVES,
    Field(description="A number or text; true, false, yes and no in quotes."),
]
Side = Annotated[
    int, Field(ge=1, le=MOST_UNITS, description="A whole number, 1 or more."), WHOLE
]
# A whole number is rows; 1.0 is refused, for a share of all leaves no other rows.
RowsOrShare = Annotated[
    Annotated[int, Field(ge=1, le=MOST_ROWS)] | Annotated[float, Field(gt=0, lt=1)],
    ALTERNATIVES,
]


class Like(Group):
    """Another problem's scale."""

    like: str = Field(description="The problem whose train rows decide the scale.")


class Transform(Group):
    """A change of the data; an entry of the list names one."""

    noise: Positive = Field(
        default=LEFT_OUT,
        description="The standard deviation of normal noise added to each feature.",
    )
    rotate: Annotated[float, Field(ge=-360, le=360)] = Field(
        default=LEFT_OUT,
        description="By how many degrees to turn images, whose `shape` says so.",
    )
    invert: Annotated[float, Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)] = Field(
        default=LEFT_OUT, description="From what number each feature is subtracted."
    )
    permute: Seed = Field(
        default=LEFT_OUT,
        description="A seed; features change places, in all rows alike.",
    )
    label_noise: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=LEFT_OUT,
        description="The share of train labels replaced by another class's.",
    )


class _OfData(Group):
    """What a problem says of its data, wherever they come from."""

    file: File = Field(
        default=LEFT_OUT,
        description=(
            "The rows: a .csv, .tsv or .parquet file with named columns, or an .npz "
            "with arrays X and y; from the working directory, its path without braces "
            "and line breaks, and a - in front as ./-."
        ),
    )
    test_file: File = Field(
        default=LEFT_OUT,
        description="Where the test rows have a file of their own; same columns.",
    )
    label: ColumnName = Field(
        default=LEFT_OUT, description="The column to predict; any labels."
    )
    drop: Columns = Field(default=[], description="Columns that are no features.")
    categorical: Columns = Field(
        default=[],
        description=(
            "Columns to one-hot encode; a study's source and target share categories."
        ),
    )
    rows: dict[ColumnName, Value] = Field(
        default={},
        max_length=100,
        description=(
            "Values by column: only rows that have them. The columns are no features."
        ),
    )
    group: ColumnName = Field(
        default=LEFT_OUT,
        description=(
            "A column, no feature; rows of a group never lie on both sides of the "
            "split. Needs shuffle."
        ),
    )
    train_size: RowsOrShare = Field(
        default=LEFT_OUT,
        description=(
            "The train set: rows, 1 to 100,000,000, or a share, such as 0.7. Without "
            "shuffle these are the first ones."
        ),
    )
    test_size: RowsOrShare = Field(
        default=LEFT_OUT,
        description=(
            "The test set: rows, 1 to 100,000,000, or a share; left out, all others."
        ),
    )
    shuffle: Annotated[int, Field(ge=0, le=2**32 - 1), WHOLE] = Field(
        default=LEFT_OUT,
        description=(
            "A seed, 0 to 4294967295; rows are drawn, stratified by class. Left out, "
            "they keep their order."
        ),
    )
    scale: Annotated[Literal["standard"] | Like, ALTERNATIVES] = Field(
        default=LEFT_OUT,
        description=(
            "standard: each feature gets mean 0 and standard deviation 1 on the train "
            "rows; {like: PROBLEM}: by the train rows of another problem. One-hot "
            "columns stay as they are."
        ),
    )
    made_by_rule: bool = Field(
        default=False,
        description="Whether another rule of the workflow makes the file.",
    )
    shape: list[Side] = Field(
        default=[],
        max_length=10,
        description="How a row's features are arranged, such as [1, 8, 8].",
    )
    classes: Annotated[list[Value], EACH_ONCE] = Field(
        default=[],
        max_length=MOST_UNITS,
        json_schema_extra={"uniqueItems": True},
        description="The classes to keep, in this order; left out, all.",
    )
    transforms: list[Transform] = Field(
        default=[],
        max_length=100,
        description="Changes of the data, one after the other.",
    )
    make_blobs: MakeBlobs = LEFT_OUT


_FUNCTIONS: dict[str, Any] = {
    name: (
        Arguments,
        Field(
            default=LEFT_OUT,
            max_length=100,
            description=f"The arguments of scikit-learn's {name}, by name.",
        ),
    )
    for name in GENERATED
    if name not in _OfData.model_fields
}

# Its keys are found when this runs, so no type checker can know them.
_WithFunctions: Any = create_model("_WithFunctions", __base__=_OfData, **_FUNCTIONS)


class Problem(_WithFunctions):
    """A problem: its data from a file or from one function, and its split."""


class Variant(Group):
    """A variant."""

    pretrained: bool = Field(
        default=True,
        description="Whether to start from a source model; else every layer is fresh.",
    )
    freeze: Annotated[
        Annotated[int, Field(ge=0, le=MOST_LAYERS), WHOLE] | GroupName, ALTERNATIVES
    ] = Field(
        default=0,
        description=(
            "How many hidden layers or groups, the first ones, do not learn; or the "
            "name of the last group that does not."
        ),
    )
    fresh: Annotated[list[Layer], EACH_ONCE] = Field(
        default=[],
        max_length=MOST_LAYERS,
        json_schema_extra={"uniqueItems": True},
        description="The source model's layers to draw afresh; none may be frozen.",
    )
    add: list[Width] = Field(
        default=[],
        max_length=MOST_LAYERS,
        description=(
            "The widths of fresh hidden layers put between the source model's and the "
            "output, which is then fresh too."
        ),
    )
    training: ChangedTraining = Field(
        default=ChangedTraining(),
        description="What differs from the study's training for its repeats.",
    )
    save: Literal["weights"] = Field(
        default=LEFT_OUT,
        description=(
            "weights: the trained weights of all its repeats are kept, too, beside "
            "their scores."
        ),
    )


Map = Annotated[
    list[Annotated[str, Field(description="A study's name.")]],
    Field(
        min_length=1,
        max_length=20,
        description="studies, each once",
        json_schema_extra={"uniqueItems": True},
    ),
    EACH_ONCE,
]


class Settings(Group):
    """What holds for all studies, and what a study may set for itself."""

    seed: Seed = Field(
        description=("A whole number, 0 or more. Every random number follows from it.")
    )
    repeats_per_job: Annotated[Repeats | Literal["auto"], ALTERNATIVES] = Field(
        default="auto",
        description=(
            "A whole number, 1 or more; or auto, which lets jobs end at 30, 100, 300, "
            "1,000 and 3,000 repeats and then after every 3,000 more."
        ),
    )
    margin: float = Field(
        default=0.01,
        gt=0,
        lt=1,
        description=(
            "The smallest difference that matters, in the study's metric; variants "
            "whose typical difference surely lies within ± this are equivalent."
        ),
    )
    network: Network
    training: Training
    pretraining: ChangedTraining = Field(
        default=ChangedTraining(),
        description="What differs from training for source models.",
    )


def _usual_baseline(study: dict[str, Any]) -> str:
    # Where the variants are wrong, some versions of pydantic ask all the same.
    variants = study.get("variants", [""])
    if "standalone" in variants or "ladder" in variants:
        return "standalone"
    return variants[0]


class SourceFiles(Group):
    """Source models that are there already."""

    files: Annotated[
        list[
            Annotated[
                str,
                Field(
                    max_length=1_000,
                    description=(
                        "a .safetensors file, or a .pt or .pth of a state_dict, from "
                        "the working directory; safetensors.torch.save_file makes one "
                        "of a state_dict"
                    ),
                ),
            ]
        ],
        EACH_ONCE,
    ] = Field(
        min_length=1,
        max_length=1_000,
        json_schema_extra={"uniqueItems": True},
        description="Pretrained weights, a file a source model.",
    )


class _OwnToStudy(Group):
    """What only a study has."""

    source: str = Field(
        default=LEFT_OUT,
        description=(
            "The problem on which the source models are pretrained; left out where "
            "they are files."
        ),
    )
    target: str = Field(description="The problem on which the variants are trained.")
    variants: Annotated[list[VariantName], EACH_ONCE, ONE_IS_A_LIST] = Field(
        min_length=1,
        max_length=1_000,
        json_schema_extra={"uniqueItems": True},
        description=(
            "The variants to compare, in the order of tables and figures; ladder "
            "stands for standalone, fixed-0, fixed-1 and so on, one for each number of "
            "frozen hidden layers."
        ),
    )
    repeats: Repeats = Field(description="How often each variant is trained.")
    target_sizes: Annotated[list[TargetSize], EACH_ONCE] = Field(
        default=["all"],
        min_length=1,
        max_length=100,
        json_schema_extra={"uniqueItems": True},
        description=(
            "How many of the target's train rows a repeat learns from, drawn anew for "
            "each repeat; each variant is trained at each size. all: every row."
        ),
    )
    source_models: Annotated[Repeats | SourceFiles, ALTERNATIVES] = Field(
        default=1,
        description=(
            "How many, 1 or more and 1000000 or less, or {files: […]}, pretrained "
            "weights; repeat r starts from number r mod source_models."
        ),
    )
    metric: MetricName = Field(
        default="accuracy",
        description=(
            "What tables, verdicts and figures are of, on the test rows: accuracy, "
            "balanced_accuracy (the mean over classes) or log_loss, for which the "
            "study needs a margin of its own. To change it trains nothing."
        ),
    )
    baseline: str = Field(
        default_factory=_usual_baseline,
        description=(
            "The variant with which all others are compared; standalone unless named, "
            "or the first variant where standalone is not in the study."
        ),
    )
    pairs: list[Pair] = Field(
        default=[],
        max_length=10_000,
        description=(
            "Further pairs of variants to compare, the first with the second; one of "
            "another study with the same target is written STUDY/VARIANT."
        ),
    )


# Its keys are found when this runs, so no type checker can know them.
_WithShared: Any = create_model(
    "_WithShared", __base__=_OwnToStudy, **optional_keys(Settings)
)


class Study(_WithShared):
    """A study. Those of its keys that stand at the top level too override them here."""


class Config(Settings):
    """A group of the keys below."""

    model_config = ConfigDict(title="Thaw's config")

    problems: dict[Name, Problem] = Field(
        min_length=1, description="The classification data sets, by name."
    )
    variants: dict[Name, Variant] = Field(
        default={},
        description=(
            "How a network for the target starts and which layers learn, by name."
        ),
    )
    maps: dict[Name, Map] = Field(
        default={},
        description=(
            "Freeze maps of several studies side by side, by name: a list of studies."
        ),
    )
    studies: dict[Name, Study] = Field(
        min_length=1,
        description=(
            "What is compared, by name; a name is also the target that makes it."
        ),
    )
