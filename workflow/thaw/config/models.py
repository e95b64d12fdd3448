"""The config's keys: what each may hold, its default, and what it is for.

Problems have their own module, `problem`. The checks, the schema for editors and the
reference page all follow from these models; after a change,
`python -m thaw.config.generate` writes the last two anew.
"""

# ruff: noqa: RUF012 (pydantic copies defaults)

from typing import Annotated, Any, Literal

from pydantic import Field

from thaw.config.problem import Problem, Value
from thaw.config.values import (
    ALTERNATIVES,
    AS_TEXT,
    EACH_ONCE,
    LARGEST_NUMBER,
    LEFT_OUT,
    MOST_EPOCHS,
    MOST_LAYERS,
    MOST_ROWS,
    MOST_SECONDS,
    MOST_UNITS,
    ONE_IS_A_LIST,
    WHOLE,
    Arguments,
    Changes,
    Group,
    Name,
    Positive,
    Repeats,
    Rows,
    Seed,
    made,
    optional_keys,
)
from thaw.learning import settings

# The settings for keys that a config, or a recipe, leaves out.
TRAINING = settings.Training._field_defaults
VARIANT = settings.Variant._field_defaults

Width = Annotated[
    int,
    Field(ge=1, le=MOST_UNITS, description="How many ReLU units a hidden layer has."),
    WHOLE,
]
# Tables hold it, so it must not begin like a formula.
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
FreezeValue = Annotated[
    Annotated[int, Field(ge=0, le=MOST_LAYERS), WHOLE]
    | GroupName
    | Annotated[
        list[Layer], Field(min_length=1, max_length=MOST_LAYERS + 1), EACH_ONCE
    ],
    ALTERNATIVES,
]
Epochs = Annotated[int, Field(ge=1, le=MOST_EPOCHS), WHOLE]
TargetSize = Annotated[
    Rows | Literal["all"],
    ALTERNATIVES,
    Field(description="a whole number, 1 or more, or all"),
]
VariantName = Annotated[str, Field(description="A variant's name.")]
Pair = Annotated[
    list[VariantName],
    Field(
        min_length=2, max_length=2, description="two different variants of the study"
    ),
    EACH_ONCE,
    ONE_IS_A_LIST,
]
FunctionName = Annotated[str, Field(pattern=r"^[^:]+:[A-Za-z_]\w*$", max_length=1_000)]
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


ClassName = Annotated[
    str, Field(max_length=1_000, description="A class, as text or number."), AS_TEXT
]


class Network(Changes):
    """The network: hidden layers, or a module or trainer of your own."""

    hidden: Annotated[list[Width], Field(min_length=1, max_length=MOST_LAYERS)] = (
        LEFT_OUT
    )
    """The widths of the source model's hidden layers, the first one first."""
    activation: Literal["relu", "elu", "tanh"] = "relu"
    """The hidden layers' activation: relu, elu or tanh."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The share of each hidden layer's units that a training step drops; none in frozen
    layers."""
    module: FunctionName = LEFT_OUT
    """Instead of hidden: a function that returns a torch.nn.Module, such as
    networks.py:small_cnn (a file, from the working directory) or
    torchvision.models:resnet18 (an installed package)."""
    arguments: Annotated[Arguments, Field(max_length=100)] = LEFT_OUT
    """The function's arguments, by name; $classes, $features and $shape stand for the
    problem's. Or the trainer's arguments, by names that it knows."""
    groups: Annotated[
        list[GroupName], Field(min_length=2, max_length=MOST_LAYERS), EACH_ONCE
    ] = LEFT_OUT
    """The module's layer groups in order, the output last: names of its parts, or
    regular expressions; left out, its top-level parts that hold weights. Or the
    trainer's names of its own; left out, it can freeze nothing."""
    trainer: Annotated[str, Field(pattern=r"^[^\x00-\x1f]+$", max_length=1_000)] = (
        LEFT_OUT
    )
    """Instead of hidden: a command that trains, such as python trainer.py; it runs
    without a shell, in the working directory."""
    files: Annotated[list[TrainerFile], Field(max_length=1_000), EACH_ONCE] = LEFT_OUT
    """The trainer's files, from the working directory; an edit of any of them retrains
    everything that it trains."""
    packages: Annotated[list[PackageName], Field(max_length=1_000), EACH_ONCE] = (
        LEFT_OUT
    )
    """The installed packages that the trainer computes with, by their names in pip;
    another version of any of them retrains everything that it trains."""
    histories: bool = False
    """Whether the trainer writes scores after every epoch; then there are learning
    curves and gains by epoch."""
    time_limit: Annotated[int, Field(ge=1, le=MOST_SECONDS), WHOLE] = LEFT_OUT
    """For how many seconds the trainer may run for each network of a job; then it is
    ended. Left out, it may run for ever."""


class Augment(Changes):
    """Augmentation: train rows are altered anew every epoch; labels do not change."""

    flip: bool = LEFT_OUT
    """Whether to mirror half of the rows, left to right."""
    shift: Annotated[int, Field(ge=0, le=10_000), WHOLE] = LEFT_OUT
    """By how many points to move each row at most, along each side; the border is
    repeated."""
    noise: Annotated[float, Field(ge=0, le=LARGEST_NUMBER)] = LEFT_OUT
    """The standard deviation of the normal noise to add, in units of the scaled
    features."""


class Training(Group):
    """How networks learn: repeats and, unless `pretraining` differs, source models."""

    epochs: Epochs = LEFT_OUT
    """How often a network sees the train set. Set either this or steps."""
    steps: Annotated[int, Field(ge=1, le=MOST_ROWS), WHOLE] = TRAINING["steps"]
    """How many steps of gradient descent a network takes in all, whatever the number of
    rows; the last epoch is cut there."""
    batch_size: Rows
    """How many rows a step of gradient descent averages over."""
    learning_rate: Annotated[
        Positive | Annotated[list[Positive], Field(min_length=2, max_length=100)],
        ALTERNATIVES,
    ]
    """The size of a step, a finite number, more than 0, 1000000 or less; or a list of 2
    to 100, of which each network keeps the one with the least loss on its validation
    rows."""
    validation_size: Annotated[float, Field(gt=0, le=0.5)] = TRAINING["validation_size"]
    """The share of a network's own train rows that are held out to choose its learning
    rate and epoch on, such as 0.2."""
    keep: Literal["last", "best"] = TRAINING["keep"]
    """Which state of a network to keep: the last one or, with best, the one after the
    epoch with the least loss on its validation rows; epoch 0 is its start."""
    optimizer: Literal["sgd", "adam", "adamw"] = TRAINING["optimizer"]
    """The optimizer: sgd, adam or adamw."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = TRAINING["momentum"]
    """The momentum of sgd."""
    nesterov: bool = TRAINING["nesterov"]
    """Whether the momentum is Nesterov's."""
    weight_decay: Annotated[float, Field(ge=0, le=LARGEST_NUMBER)] = TRAINING[
        "weight_decay"
    ]
    """The weight decay of weights and biases: part of the gradient or, with adamw,
    decoupled from it."""
    decay_bias_and_norm: bool = TRAINING["decay_bias_and_norm"]
    """Whether biases and the weights of norm layers decay, too. With false, only
    parameters of two or more dimensions whose name does not end in bias decay."""
    schedule: Literal["constant", "cosine", "step"] = TRAINING["schedule"]
    """How the learning rate changes with each step: constant, cosine (it falls to 0
    over all steps, as PyTorch's CosineAnnealingLR) or step (StepLR)."""
    step_size: Annotated[int, Field(ge=0, le=MOST_ROWS), WHOLE] = TRAINING["step_size"]
    """After how many steps of gradient descent the learning rate falls (schedule: step
    only)."""
    gamma: Annotated[float, Field(gt=0, le=1)] = TRAINING["gamma"]
    """By what the learning rate is then multiplied (schedule: step only)."""
    warmup: Annotated[int, Field(ge=0, le=MOST_ROWS), WHOLE] = TRAINING["warmup"]
    """Over how many steps the learning rate first rises evenly (LinearLR); the schedule
    begins after them."""
    augment: Augment = TRAINING["augment"]
    """Augmentation of the train rows (network.module only)."""
    device: Literal["cpu", "cuda", "auto"] = TRAINING["device"]
    """Where a module or a trainer learns: cpu, cuda (an NVIDIA GPU) or auto (a GPU
    where there is one)."""
    arguments: Annotated[Arguments, Field(max_length=100)] = LEFT_OUT
    """Overrides some of network.arguments, by name (network.trainer only)."""
    class_weight: Annotated[
        Literal["balanced"]
        | Annotated[dict[ClassName, Positive], Field(max_length=1_000)],
        ALTERNATIVES,
    ] = TRAINING["class_weight"]
    """How much each class counts in the loss: balanced (all the same, by the rows that
    are learned from), or numbers above 0 by class, 1 for those left out, so that {}
    turns it off; classes true, false, yes and no in quotes. The loss is averaged over
    rows, as in Keras."""


ChangedTraining: Any = made(
    "ChangedTraining", Changes, "What differs from `training`.", optional_keys(Training)
)


class Phase(Group):
    """A phase of a variant's training. The optimizer and the schedule start anew."""

    freeze: FreezeValue = VARIANT["freeze"]
    """The layers that do not learn in this phase, as freeze of a variant."""
    epochs: Epochs
    """How many epochs the phase takes."""
    learning_rate: Positive = LEFT_OUT
    """The phase's learning rate; left out, that of the variant's training."""


class Variant(Group):
    """A variant."""

    pretrained: bool = VARIANT["pretrained"]
    """Whether to start from a source model; else every layer is fresh."""
    freeze: FreezeValue = VARIANT["freeze"]
    """How many hidden layers or groups, the first ones, do not learn; or the name of
    the last of them; or a list of layers; or all but the output; or, of a module, all
    but norm layers."""
    fresh: Annotated[list[Layer], Field(max_length=MOST_LAYERS), EACH_ONCE] = list(
        VARIANT["fresh"]
    )
    """The source model's layers to draw anew; none may be frozen."""
    add: Annotated[list[Width], Field(max_length=MOST_LAYERS)] = list(VARIANT["add"])
    """The widths of fresh hidden layers put between the source model's and the output,
    which is then fresh too."""
    rate_factors: Annotated[
        dict[
            Annotated[
                GroupName,
                Field(
                    description=(
                        "the number of a hidden layer, from 1, the name of one of the "
                        "network's groups, or output"
                    )
                ),
                AS_TEXT,
            ],
            Annotated[
                float,
                Field(ge=0, le=LARGEST_NUMBER, description="A number, more than 0."),
            ],
        ],
        Field(max_length=MOST_LAYERS + 1),
    ] = dict(VARIANT["rate_factors"])
    """By what to multiply the learning rate of a layer, at every step, such as
    {hidden-1: 0.1}; 1 for those left out."""
    phases: Annotated[list[Phase], Field(max_length=100)] = list(VARIANT["phases"])
    """Parts of the training, one after the other, each with its frozen layers and its
    epochs, such as the output alone first. The variant's epochs are their sum."""
    towards: Annotated[float, Field(ge=0, le=LARGEST_NUMBER)] = VARIANT["towards"]
    """How strongly inherited weights that learn are pulled towards the source model:
    this many times their distance from it is added to their gradient (L2-SP)."""
    inherit: Literal["output"] = LEFT_OUT
    """output: keep the source model's output even where source and target differ in the
    label's name, in the classes of images or in the task. By default, the output is
    then drawn anew."""
    training: ChangedTraining = ChangedTraining()
    """Overrides the study's training for this variant's repeats."""
    save: Literal["weights"] = LEFT_OUT
    """weights: keep the trained weights of all repeats beside their scores."""
    estimator: Annotated[str, Field(max_length=200)] = LEFT_OUT
    """Instead of all of the above, an estimator as a reference that is no network: a
    class like scikit-learn's, such as sklearn.linear_model.Ridge. Of classes it must
    say probabilities (predict_proba)."""
    arguments: Annotated[Arguments, Field(max_length=100)] = LEFT_OUT
    """The estimator's arguments, by name; not random_state, which Thaw sets, nor n_jobs
    other than 1."""


Map = Annotated[
    list[Annotated[str, Field(description="A study's name.")]],
    Field(min_length=1, max_length=20, description="studies, each once"),
    EACH_ONCE,
]


class Settings(Group):
    """Settings for all studies, each of which may have its own."""

    seed: Seed
    """A whole number, 0 or more. Every random number follows from it."""
    repeats_per_job: Annotated[Repeats | Literal["auto"], ALTERNATIVES] = "auto"
    """A whole number, 1 or more, of repeats that a job trains; or auto, with which it
    trains 30 from one source model, two from each of 30, then ever more."""
    margin: Annotated[float, Field(gt=0, le=1e30)] = 0.01
    """The smallest difference that matters, in the study's metric and its units;
    variants whose typical difference surely lies within ± this are equivalent."""
    network: Network
    training: Training
    pretraining: ChangedTraining = ChangedTraining()
    """Overrides training for source models."""


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
                        "a .safetensors file, a .pt, .pth, .ckpt or .bin that holds a "
                        "state_dict, or a folder that Hugging Face's save_pretrained "
                        "wrote, from the working directory"
                    ),
                ),
            ]
        ],
        Field(min_length=1, max_length=1_000),
        EACH_ONCE,
    ]
    """Pretrained weights, a file a source model."""


class OwnMetric(Group):
    """A metric of your own."""

    function: FunctionName
    """A function of a file, from the working directory, or of an installed package,
    such as metrics.py:enrichment. It gets the test rows' labels, then what a network
    predicts (probabilities [rows, classes], or numbers), and returns a number."""
    greater_is_better: bool
    """Whether more of it is better."""


class _OwnToStudy(Group):
    """Settings that only a study has."""

    source: str = LEFT_OUT
    """The problem on which the source models are pretrained; left out where they are
    files."""
    sources: Annotated[
        list[Annotated[str, Field(description="A problem's name.")]],
        Field(min_length=2, max_length=100),
        EACH_ONCE,
    ] = LEFT_OUT
    """2 to 100 problems, each once, in place of source, to learn which is the best
    source. Each makes a study of its own, STUDY-PROBLEM, and this one ranks them."""
    target: str
    """The problem on which the variants are trained."""
    variants: Annotated[
        list[VariantName],
        Field(min_length=1, max_length=1_000),
        EACH_ONCE,
        ONE_IS_A_LIST,
    ]
    """The variants to compare, in the order of tables and figures; ladder stands for
    standalone, fixed-0, fixed-1 and so on, one for each number of frozen hidden
    layers."""
    repeats: Repeats
    """How often each variant is trained from each source model."""
    target_sizes: Annotated[
        list[TargetSize], Field(min_length=1, max_length=100), EACH_ONCE
    ] = ["all"]
    """How many of the target's train rows a repeat learns from, drawn anew for each
    repeat; each variant is trained at each size. all: every row."""
    source_models: Annotated[Repeats | SourceFiles, ALTERNATIVES] = 1
    """How many, 1 or more and 1000000 or less, or {files: […]}, pretrained weights."""
    metric: Annotated[
        list[
            Annotated[
                Annotated[str, Field(max_length=100)] | OwnMetric,
                ALTERNATIVES,
                Field(
                    description=(
                        "one of scikit-learn's scorers (docs/config.md lists them), "
                        "or {function: …, greater_is_better: …}"
                    )
                ),
            ]
        ],
        Field(min_length=1, max_length=20),
        EACH_ONCE,
        ONE_IS_A_LIST,
    ] = LEFT_OUT
    """The scores on the test rows, by scikit-learn's names without neg_: verdicts and
    figures are of the first, the others stand beside it. Left out, the task's own:
    accuracy or mean_absolute_error. A change trains nothing."""
    positive: Value = LEFT_OUT
    """The positive class of metrics that have one, such as roc_auc; left out, the rarer
    of the two."""
    baseline: str = Field(default_factory=_usual_baseline)
    """The variant with which all others are compared; standalone unless named, or the
    first variant where standalone is not in the study."""
    pairs: Annotated[list[Pair], Field(max_length=10_000)] = []
    """Further pairs of variants to compare, the first with the second; one of another
    study with the same target is written STUDY/VARIANT."""


Study: Any = made(
    "Study",
    _OwnToStudy,
    "A study. Those of its keys that stand at the top level too override them here.",
    optional_keys(Settings),
)


# A line that people read.
Line = Annotated[
    str, Field(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class Config(Settings, title="Thaw's config"):
    """A group of the keys below."""

    title: Line = "Does transfer learning pay off?"
    """The title of the report, `results/report.html`."""
    question: Line = (
        "Does a network that has learned one problem learn a related one better, and "
        "how many of its layers should stay frozen?"
    )
    """The question that the studies answer, shown below the title."""
    problems: Annotated[dict[Name, Problem], Field(min_length=1)]
    """The data sets, by name."""
    predictions: bool = True
    """Whether jobs keep what each network says of each test row, its log-probabilities
    of the classes or its number, from which any other metric and the luck of the rows
    follow."""
    variants: dict[Name, Variant] = {}
    """The variants, by name: how a network starts, and which of its layers learn."""
    maps: dict[Name, Map] = {}
    """Freeze maps of several studies side by side, by name: a list of studies."""
    studies: Annotated[dict[Name, Study], Field(min_length=1)]
    """The studies, by name; each name is also the target that makes the study."""
