"""What schemathesis can't read from a schema: that few strings are a file."""

import json
import pathlib

import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase
from schemathesis.specs.openapi.checks import negative_data_rejection
from schemathesis.transport.serialization import Binary

SAMPLES = pathlib.Path("tests/data/fuzz")


def ages(made):
    """A few, of which some can't be: they do not fail a file."""
    return [ord(sign) % 200 - 10 for sign in str(made)[:5]] or [30]


def csv(made):
    return "".join(["age\n", *(f"{age}\n" for age in ages(made))])


FILES = {
    "application/x-ndjson": lambda made: "".join(json.dumps({"age": age}) + "\n" for age in ages(made)),
    "text/csv": csv,
    "application/octet-stream": csv,
    "application/vnd.apache.parquet": lambda _: Binary((SAMPLES / "parquet/seed-a").read_bytes()),
    "application/vnd.apache.arrow.stream": lambda _: Binary((SAMPLES / "arrow/seed-a").read_bytes()),
}


@schemathesis.hook
def map_case(_context, case):
    """What is made by the schema of a file becomes one; an example is one."""
    make = FILES.get(case.media_type)
    made = case.meta.phase.name != TestPhase.EXAMPLES and not case.meta.is_negative_at(ParameterLocation.BODY)
    if make and made:
        case.body = make(case.body)
    return case


@schemathesis.serializer(*FILES)
def as_it_is(_context, value):
    value = value.data if isinstance(value, Binary) else value
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.check
def bad_parameters_are_rejected(context, response, case):
    """Of the calls that take any body, for which config.toml has the check off."""
    if case.meta is None or case.meta.is_negative_at(ParameterLocation.BODY):
        return None
    return negative_data_rejection(context, response, case)
