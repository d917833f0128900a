//! What a Parquet file says of itself and of its pages: the kinds of its fields, in
//! their order in the format's `parquet.thrift`.
//!
//! Invariant: whatever the decoder reads of a file is here with the kind that it
//! takes it for. What it skips is as long as it says, to both.

use super::thrift::Shape::{self, Any, Byte, Double, Flag, List, Number, Structure, Text};

const EMPTY: Shape = Structure(&[]);

/// The end of a file.
pub(super) const FILE: Shape = Structure(&[
    Number,
    List(&SCHEMA_ELEMENT),
    Number,
    List(&ROW_GROUP),
    List(&KEY_VALUE),
    Text,
    List(&Structure(&[EMPTY, EMPTY, EMPTY])),
]);

const SCHEMA_ELEMENT: Shape = Structure(&[
    Number,
    Number,
    Number,
    Text,
    Number,
    Number,
    Number,
    Number,
    Number,
    LOGICAL_TYPE,
]);

/// One of: text, map, list, enumeration, decimal, date, time, timestamp, (nothing),
/// integer, unknown, JSON, BSON, UUID, half a float, variant, geometry, geography,
/// file.
const LOGICAL_TYPE: Shape = Structure(&[
    EMPTY,
    EMPTY,
    EMPTY,
    EMPTY,
    Structure(&[Number, Number]),
    EMPTY,
    TIME,
    TIME,
    Any,
    Structure(&[Byte, Flag]),
    EMPTY,
    EMPTY,
    EMPTY,
    EMPTY,
    EMPTY,
    Structure(&[Byte]),
    Structure(&[Text]),
    Structure(&[Text, Number]),
    EMPTY,
]);

const TIME: Shape = Structure(&[Flag, Structure(&[EMPTY, EMPTY, EMPTY])]);

const KEY_VALUE: Shape = Structure(&[Text, Text]);

const ROW_GROUP: Shape = Structure(&[
    List(&COLUMN),
    Number,
    Number,
    List(&Structure(&[Number, Flag, Flag])),
    Number,
    Number,
    Number,
]);

const COLUMN: Shape = Structure(&[
    Text,
    Number,
    COLUMN_METADATA,
    Number,
    Number,
    Number,
    Number,
]);

const COLUMN_METADATA: Shape = Structure(&[
    Number,
    List(&Number),
    List(&Text),
    Number,
    Number,
    Number,
    Number,
    List(&KEY_VALUE),
    Number,
    Number,
    Number,
    STATISTICS,
    List(&Structure(&[Number, Number, Number])),
    Number,
    Number,
    Structure(&[Number, List(&Number), List(&Number)]),
    Structure(&[BOUNDING_BOX, List(&Number)]),
]);

const STATISTICS: Shape = Structure(&[Text, Text, Number, Number, Text, Text, Flag, Flag, Number]);

const BOUNDING_BOX: Shape = Structure(&[
    Double, Double, Double, Double, Double, Double, Double, Double,
]);

/// A page's header, and in it what is said of a page of data, an index, a
/// dictionary, and a page of data of the second version.
pub(super) const PAGE: Shape = Structure(&[
    Number,
    Number,
    Number,
    Number,
    Structure(&[Number, Number, Number, Number, STATISTICS]),
    EMPTY,
    Structure(&[Number, Number, Flag]),
    Structure(&[
        Number, Number, Number, Number, Number, Number, Flag, STATISTICS,
    ]),
]);
