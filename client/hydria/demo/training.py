"""A model that is really trained, on the digits that scikit-learn ships: each step is a run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hydria.cli.text import count_text, size_text
from hydria.demo.words import DemoFailedError, require, say, tell
from hydria.sync import Client

if TYPE_CHECKING:
    import numpy
    from sklearn.ensemble import RandomForestClassifier

    Array = numpy.typing.NDArray[numpy.float64]

MODEL_FILE = "forest.joblib"

_DATA_FILE = "digits.npz"
_CONFIG_FILE = "config.json"
_TEST_SHARE = 0.25
_SEED = 7
_TREES = (100, 120)
"""Of the model, and of the next version, which goes on where the first one ended."""
_TREES_PER_STEP = 50
_ACCURACY_MIN = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel:
    """A version of the model, what was found out about it, and how good it is."""

    ref: str
    report_ref: str
    accuracy: float


def require_scikit_learn() -> None:
    """Go on only if a model can be trained.

    Raises:
        DemoFailedError: scikit-learn is not installed.
    """
    try:
        import sklearn  # noqa: F401 - only whether it is there
    except ImportError:
        raise DemoFailedError(
            "it trains a model with scikit-learn: pip install 'hydria[demo]'"
        ) from None


def train_models(client: Client, folder: Path) -> list[TrainedModel]:
    """Load, preprocess, and then train and evaluate twice; return both versions."""
    folder.mkdir()
    tell("Train a model: load, preprocess, train, evaluate; each step is a run")
    _load(client, folder)
    _preprocess(client, folder)
    models: list[TrainedModel] = []
    for tree_count in _TREES:
        _configure(client, folder, tree_count)
        ref = _train(client, folder, base=models[-1].ref if models else None)
        models.append(_evaluate(client, folder, ref))
    return models


def accuracy_of(model: Path, client: Client, test_ref: str = "digits-test") -> float:
    """Return how many of the digits for tests the model in a file tells right, from 0 to 1."""
    import joblib

    images, labels = _read(client, test_ref, model.parent.parent / "for-accuracy")
    forest: RandomForestClassifier = joblib.load(model)
    return float(forest.score(images, labels))


# --- the steps ----------------------------------------------------------------------------------


def _load(client: Client, folder: Path) -> None:
    from sklearn.datasets import load_digits

    with client.runs.begin(job_type="load", config={"source": "scikit-learn"}) as run:
        images, labels = load_digits(return_X_y=True)
        _write(folder / _DATA_FILE, images, labels)
        run.log_metrics({"images": len(images)}, step=0)
        logged = run.log("digits-raw", folder / _DATA_FILE, type="dataset")
        say("load", f"{run.info.display_name}: {logged.version.ref}, {len(images):,} images")


def _preprocess(client: Client, folder: Path) -> None:
    from sklearn.model_selection import train_test_split

    config = {"test_share": _TEST_SHARE, "seed": _SEED}
    with client.runs.begin(job_type="preprocess", config=config) as run:
        images, labels = _read(client, run.use("digits-raw").ref, folder / "raw")
        split = train_test_split(
            images / images.max(), labels, test_size=_TEST_SHARE, random_state=_SEED
        )
        for name, part in (("train", split[::2]), ("test", split[1::2])):
            _write(folder / _DATA_FILE, *part)
            run.log_metrics({f"images/{name}": len(part[0])}, step=0)
            run.log(f"digits-{name}", folder / _DATA_FILE, type="dataset")
        say("preprocess", f"{run.info.display_name}: digits-train and digits-test")


def _configure(client: Client, folder: Path, tree_count: int) -> None:
    """Log what somebody chose: a version that no run has made."""
    (folder / _CONFIG_FILE).write_text(json.dumps({"trees": tree_count, "seed": _SEED}))
    client.log("forest-config", folder / _CONFIG_FILE, type="config")


def _train(client: Client, folder: Path, *, base: str | None) -> str:
    """Train a forest, or go on with the one of `base`; return the ref of the version."""
    import joblib
    from sklearn.ensemble import RandomForestClassifier

    with client.runs.begin(job_type="train") as run:
        config = json.loads(client.read(run.use("forest-config").ref, _CONFIG_FILE))
        run.update(config=config)
        images, labels = _read(client, run.use("digits-train").ref, folder / "train")
        forest = RandomForestClassifier(
            warm_start=True, oob_score=True, random_state=config["seed"]
        )
        if base is not None:
            client.download(run.use(base).ref, folder / "base")
            forest = joblib.load(folder / "base" / MODEL_FILE)
        while len(getattr(forest, "estimators_", ())) < config["trees"]:
            grown = len(getattr(forest, "estimators_", ())) + _TREES_PER_STEP
            forest.set_params(n_estimators=min(grown, config["trees"])).fit(images, labels)
            run.log_metrics({"train/oob_accuracy": forest.oob_score_}, step=forest.n_estimators)
        joblib.dump(forest, folder / MODEL_FILE)
        logged = run.log("digits", folder / MODEL_FILE, type="model")
        sizes = f"{size_text(logged.size_bytes)}, {size_text(logged.sent_bytes)} sent"
        trees = count_text(forest.n_estimators, "tree")
        say("train", f"{run.info.display_name}: {logged.version.ref}, {trees}, {sizes}")
        return logged.version.ref


def _evaluate(client: Client, folder: Path, model_ref: str) -> TrainedModel:
    with client.runs.begin(job_type="evaluate") as run:
        client.download(run.use(model_ref).ref, folder / "evaluated")
        test_ref = run.use("digits-test").ref
        accuracy = accuracy_of(folder / "evaluated" / MODEL_FILE, client, test_ref)
        require(accuracy >= _ACCURACY_MIN, f"{model_ref} tells {accuracy:.1%} of the digits only")
        run.log_metrics({"test/accuracy": accuracy}, step=0)
        report = folder / "report.json"
        report.write_text(json.dumps({"model": model_ref, "accuracy": accuracy}))
        logged = run.log("digits-report", report, type="report")
        say("evaluate", f"{run.info.display_name}: {model_ref} tells {accuracy:.1%} right")
    return TrainedModel(ref=model_ref, report_ref=logged.version.ref, accuracy=accuracy)


# --- files --------------------------------------------------------------------------------------


def _write(file: Path, images: Array, labels: Array) -> None:
    import numpy

    numpy.savez(file, images=images, labels=labels)


def _read(client: Client, ref: str, target: Path) -> tuple[Array, Array]:
    import numpy

    client.download(ref, target)
    with numpy.load(target / _DATA_FILE) as arrays:
        return arrays["images"], arrays["labels"]
