//! Tensors of one value a row: what the protocol calls their types, and the way
//! from their data, binary or JSON, to a column.
//!
//! Binary data is as in memory, little-endian; a text is its length in four
//! bytes, then its bytes. Invariant: a column has exactly the rows that its
//! tensor's shape has.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::types::{
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    ArrayRef, ArrowPrimitiveType, BooleanArray, Float64Array, PrimitiveArray, StringArray,
};
use arrow_buffer::{Buffer, ScalarBuffer};
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

// Binary data is taken as it is.
const _: () = assert!(cfg!(target_endian = "little"));

/// How deep the data of a tensor may be nested: a list of rows of one value.
const DEEPEST: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Datatype {
    Bool,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Int8,
    Int16,
    Int32,
    Int64,
    Fp16,
    Fp32,
    Fp64,
    Bytes,
}

/// A tensor as a column, and the rows whose text is no UTF-8, which are null.
pub type Column = (ArrayRef, Vec<usize>);

impl Datatype {
    pub const ALL: [Self; 13] = [
        Self::Bool,
        Self::Uint8,
        Self::Uint16,
        Self::Uint32,
        Self::Uint64,
        Self::Int8,
        Self::Int16,
        Self::Int32,
        Self::Int64,
        Self::Fp16,
        Self::Fp32,
        Self::Fp64,
        Self::Bytes,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "BOOL",
            Self::Uint8 => "UINT8",
            Self::Uint16 => "UINT16",
            Self::Uint32 => "UINT32",
            Self::Uint64 => "UINT64",
            Self::Int8 => "INT8",
            Self::Int16 => "INT16",
            Self::Int32 => "INT32",
            Self::Int64 => "INT64",
            Self::Fp16 => "FP16",
            Self::Fp32 => "FP32",
            Self::Fp64 => "FP64",
            Self::Bytes => "BYTES",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    fn is_integer(self) -> bool {
        self.name().contains("INT")
    }

    /// The column of binary data.
    pub fn of_bytes(self, bytes: &[u8], rows: usize) -> Result<Column, &'static str> {
        let column = match self {
            Self::Bytes => return texts(bytes, rows),
            Self::Bool => flags(bytes, rows),
            Self::Uint8 => numbers::<UInt8Type>(bytes, rows),
            Self::Uint16 => numbers::<UInt16Type>(bytes, rows),
            Self::Uint32 => numbers::<UInt32Type>(bytes, rows),
            Self::Uint64 => numbers::<UInt64Type>(bytes, rows),
            Self::Int8 => numbers::<Int8Type>(bytes, rows),
            Self::Int16 => numbers::<Int16Type>(bytes, rows),
            Self::Int32 => numbers::<Int32Type>(bytes, rows),
            Self::Int64 => numbers::<Int64Type>(bytes, rows),
            Self::Fp16 => numbers::<Float16Type>(bytes, rows),
            Self::Fp32 => numbers::<Float32Type>(bytes, rows),
            Self::Fp64 => numbers::<Float64Type>(bytes, rows),
        };
        Ok((column?, Vec::new()))
    }

    /// The column of data in JSON: a flat list, or one of lists of one value.
    pub fn of_json(self, data: &RawValue, rows: usize) -> Result<ArrayRef, &'static str> {
        let items = items(data, rows)?;
        if items.len() != rows {
            return Err("data has fewer values than the shape has");
        }
        let wrong = "data has a value that is not of the datatype";
        Ok(match self {
            Self::Bytes => {
                let texts = items.into_iter().map(|item| match item {
                    Item::Text(text) => Ok(Some(text)),
                    Item::Nothing => Ok(None),
                    _ => Err(wrong),
                });
                Arc::new(texts.collect::<Result<StringArray, _>>()?)
            }
            Self::Bool => {
                let flags = items.into_iter().map(|item| match item {
                    Item::Truth(truth) => Ok(Some(truth)),
                    Item::Nothing => Ok(None),
                    _ => Err(wrong),
                });
                Arc::new(flags.collect::<Result<BooleanArray, _>>()?)
            }
            _ => {
                let numbers = items.into_iter().map(|item| match item {
                    Item::Number(x) if self.is_integer() && x.fract() != 0.0 => Err(wrong),
                    Item::Number(x) => Ok(Some(x)),
                    Item::Nothing => Ok(None),
                    _ => Err(wrong),
                });
                Arc::new(numbers.collect::<Result<Float64Array, _>>()?)
            }
        })
    }
}

/// The values of a tensor in JSON, at most as many as there are rows.
fn items(data: &RawValue, rows: usize) -> Result<Vec<Item<'_>>, &'static str> {
    let mut items = Vec::new();
    let all = Flat {
        items: &mut items,
        most: rows,
        depth: 0,
    };
    let mut json = serde_json::Deserializer::from_str(data.get());
    all.deserialize(&mut json)
        .map_err(|_| "data must be a list with a value for each row of the shape")?;
    Ok(items)
}

fn numbers<T: ArrowPrimitiveType>(bytes: &[u8], rows: usize) -> Result<ArrayRef, &'static str> {
    if bytes.len() != rows.saturating_mul(size_of::<T::Native>()) {
        return Err("binary_data_size is not that of the shape and the datatype");
    }
    let values = ScalarBuffer::<T::Native>::new(Buffer::from_slice_ref(bytes), 0, rows);
    Ok(Arc::new(PrimitiveArray::<T>::new(values, None)))
}

fn flags(bytes: &[u8], rows: usize) -> Result<ArrayRef, &'static str> {
    if bytes.len() != rows {
        return Err("binary_data_size is not that of the shape and the datatype");
    }
    if bytes.iter().any(|&byte| byte > 1) {
        return Err("binary data of BOOL must be bytes of 0 and 1");
    }
    let flags = bytes.iter().map(|&byte| byte == 1).collect::<Vec<_>>();
    Ok(Arc::new(BooleanArray::from(flags)))
}

fn texts(mut bytes: &[u8], rows: usize) -> Result<Column, &'static str> {
    let mut column = StringBuilder::new();
    let mut foreign = Vec::new();
    for row in 0..rows {
        let text = next_text(&mut bytes).ok_or("binary data of BYTES ends within a text")?;
        if let Ok(text) = std::str::from_utf8(text) {
            column.append_value(text);
        } else {
            column.append_null();
            foreign.push(row);
        }
    }
    if !bytes.is_empty() {
        return Err("binary data of BYTES has more texts than the shape has");
    }
    Ok((Arc::new(column.finish()), foreign))
}

fn next_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (text, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    Some(text)
}

/// One value of a tensor in JSON.
enum Item<'a> {
    Nothing,
    Truth(bool),
    Number(f64),
    Text(Cow<'a, str>),
}

/// Reads a list of values, or of lists of them, one after another.
struct Flat<'s, 'de> {
    items: &'s mut Vec<Item<'de>>,
    most: usize,
    depth: usize,
}

impl<'de> Flat<'_, 'de> {
    fn push<E: serde::de::Error>(self, item: Item<'de>) -> Result<(), E> {
        if self.depth == 0 || self.items.len() == self.most {
            return Err(E::custom("not as many values as rows"));
        }
        self.items.push(item);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Flat<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Flat<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the data of a tensor")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.push(Item::Nothing)
    }

    fn visit_bool<E: serde::de::Error>(self, truth: bool) -> Result<(), E> {
        self.push(Item::Truth(truth))
    }

    #[expect(clippy::cast_precision_loss, reason = "no valid range passes 2^53")]
    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<(), E> {
        self.push(Item::Number(number as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "no valid range passes 2^53")]
    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        self.push(Item::Number(number as f64))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<(), E> {
        self.push(Item::Number(number))
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<(), E> {
        self.push(Item::Text(text.into()))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.push(Item::Text(text.to_owned().into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if self.depth == DEEPEST {
            return Err(A::Error::custom("nested too deep"));
        }
        loop {
            let next = Flat {
                items: &mut *self.items,
                most: self.most,
                depth: self.depth + 1,
            };
            if seq.next_element_seed(next)?.is_none() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::{Array, Int16Array};

    use super::*;

    fn json(kind: Datatype, data: &str, rows: usize) -> Result<ArrayRef, &'static str> {
        kind.of_json(&RawValue::from_string(data.to_owned()).unwrap(), rows)
    }

    #[test]
    fn binary_numbers_are_those_that_were_sent() {
        let bytes: Vec<u8> = [-3_i16, 7].iter().flat_map(|n| n.to_le_bytes()).collect();
        let (column, _) = Datatype::Int16.of_bytes(&bytes, 2).unwrap();
        assert_eq!(column.as_primitive(), &Int16Array::from(vec![-3, 7]));
        // An odd address is as good as any other.
        let (column, _) = Datatype::Int16.of_bytes(&bytes[1..3], 1).unwrap();
        assert_eq!(column.len(), 1);
        assert!(Datatype::Int16.of_bytes(&bytes, 1).is_err());
        assert!(Datatype::Fp64.of_bytes(&bytes, usize::MAX).is_err());
        assert!(Datatype::Bool.of_bytes(&[0, 2], 2).is_err());
    }

    #[test]
    fn binary_texts_end_where_the_shape_says() {
        let bytes = b"\x02\0\0\0ab\0\0\0\0\x01\0\0\0\xff";
        let (column, foreign) = Datatype::Bytes.of_bytes(bytes, 3).unwrap();
        let texts: Vec<_> = column.as_string::<i32>().iter().collect();
        assert_eq!(texts, [Some("ab"), Some(""), None]);
        assert_eq!(foreign, [2]);
        for rows in [0, 2, 4] {
            assert!(Datatype::Bytes.of_bytes(bytes, rows).is_err(), "{rows}");
        }
        for end in 0..bytes.len() {
            assert!(Datatype::Bytes.of_bytes(&bytes[..end], 3).is_err());
        }
    }

    #[test]
    fn data_in_json_is_flat_or_a_list_of_rows() {
        for data in ["[1, 2.5, null]", "[[1], [2.5], [null]]"] {
            let column = json(Datatype::Fp32, data, 3).unwrap();
            let numbers: Vec<_> = column.as_primitive::<Float64Type>().iter().collect();
            assert_eq!(numbers, [Some(1.0), Some(2.5), None], "{data}");
        }
        for (kind, data) in [
            (Datatype::Fp64, "1"),
            (Datatype::Fp64, "[1, 2]"),
            (Datatype::Fp64, "[1, 2, 3, 4]"),
            (Datatype::Fp64, "[[[1]], [[2]], [[3]]]"),
            (Datatype::Fp64, "[1, 2, {}]"),
            (Datatype::Fp64, "[1, 2, \"3\"]"),
            (Datatype::Int32, "[1, 2, 3.5]"),
            (Datatype::Bool, "[true, false, 1]"),
            (Datatype::Bytes, "[\"a\", \"b\", 3]"),
        ] {
            assert!(json(kind, data, 3).is_err(), "{} {data}", kind.name());
        }
    }
}
