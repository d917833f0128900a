"""What both peers do, whatever serves it: the service's request and checks, the
model's input row, the prediction, the tier and the percentile.

FOLDER holds openapi.json and manifest.json of the service and lightgbm.txt from
train.py; KEY is the key that is asked for. No metrics are counted, no drift is looked
for and no log is written, which the service does: that is in the peers' favour.
"""

import bisect
import datetime
import json
import os
import pathlib
import secrets
import typing

import lightgbm
import numpy
import pydantic
from encoding import Encoder

FOLDER = pathlib.Path(os.environ["FOLDER"])
KEY = os.environ["KEY"].encode()
SCHEMA = json.loads((FOLDER / "openapi.json").read_text())["components"]["schemas"]["Customer"]
MANIFEST = json.loads((FOLDER / "manifest.json").read_text())
QUANTILES = MANIFEST["percentiles"]["quantiles"]
TIERS = MANIFEST["tiers"]
ENCODER = Encoder(MANIFEST)
BOOSTER = lightgbm.Booster(model_file=str(FOLDER / "lightgbm.txt"))


def is_key(presented):
    return secrets.compare_digest(presented.encode(), KEY)


def field(schema):
    """A column of the service's own schema, as one would write it for pydantic."""
    kinds = [kind for kind in schema["type"] if kind != "null"]
    if "enum" in schema:
        kind = typing.Literal[tuple(name for name in schema["enum"] if name is not None)]
    elif schema.get("format") == "date-time":
        kind = datetime.datetime
    elif kinds[0] == "string":
        kind = str
    elif "boolean" in kinds:
        return bool | None, None
    else:
        kind = int if kinds[0] == "integer" else float
    limits = {"ge": schema.get("minimum"), "le": schema.get("maximum")}
    return kind | None, pydantic.Field(None, **{k: v for k, v in limits.items() if v is not None})


Customer = pydantic.create_model(
    "Customer",
    __config__=pydantic.ConfigDict(extra="forbid"),
    **{name: field(schema) for name, schema in SCHEMA["properties"].items()},
)


def percentile(value):
    """The share of the hold-out below the value, in percent; of equals, half."""
    below, up_to = bisect.bisect_left(QUANTILES, value), bisect.bisect_right(QUANTILES, value)
    if below < up_to:
        at = (below + up_to - 1) / 2
    elif below in (0, len(QUANTILES)):
        at = max(below - 1, 0)
    else:
        under, above = QUANTILES[below - 1 : below + 1]
        at = below - 1 + (value - under) / (above - under)
    return 100 * at / (len(QUANTILES) - 1)


def predict(customer):
    """The members of the answer."""
    values = customer.__dict__
    row = numpy.array([ENCODER.row(values)])
    probability = float(BOOSTER.predict(row, num_threads=1)[0])
    return {
        "target": "churn",
        "model_version": "lightgbm",
        "customer_id": values["customer_id"],
        "probability": probability,
        "tier": "high" if probability >= TIERS["high"] else "low" if probability < TIERS["low"] else "medium",
        "percentile": percentile(probability),
        "missing": ENCODER.missing(values),
    }
