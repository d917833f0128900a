"""Bodies that schemathesis makes for formats it does not know are sent as they are."""

import schemathesis


@schemathesis.serializer(
    "application/x-ndjson",
    "text/csv",
    "application/vnd.apache.parquet",
    "application/vnd.apache.arrow.stream",
)
def as_it_is(_context, value):
    return value if isinstance(value, bytes) else str(value).encode()
