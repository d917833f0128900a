//! Tables that stand for more than they weigh: what a service holds of one is
//! bounded, whatever it says of itself.

use std::sync::Arc;

use arrow_array::types::Int8Type;
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Int8Array, Int32Array, NullArray, RecordBatch, StringArray,
};
use arrow_ipc::writer::StreamWriter;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use reqwest::{Response, StatusCode};
use serde_json::Value;

use super::{assert_well, ended};
use crate::support::app::{Process, client, prepared};

const PARQUET: &str = "application/vnd.apache.parquet";
const ARROW: &str = "application/vnd.apache.arrow.stream";

/// A service in a process of its own, and what it held at most when it was ready.
fn measured() -> (tempfile::TempDir, Process, u64) {
    let folder = prepared();
    let mut service = Process::start(folder.path(), &[]);
    service.wait_until_ready();
    let peak = service.peak_memory();
    (folder, service, peak)
}

/// The service is well, and never held much more than before.
async fn assert_lean(service: &Process, before: u64) {
    assert_well(service.address()).await;
    let more = service.peak_memory().saturating_sub(before);
    assert!(more < 150 << 20, "{} MB more", more >> 20);
}

async fn send(service: &Process, path: &str, kind: &str, wanted: &str, body: Vec<u8>) -> Response {
    let url = format!("http://{}{path}", service.address());
    let request = client().post(url).header("content-type", kind);
    let request = request.header("accept", wanted).body(body);
    request.send().await.unwrap()
}

/// A batch is answered with this status; of an answer that goes on, the
/// beginning is read.
async fn answers(service: &Process, kind: &str, body: &[u8], status: StatusCode) {
    for wanted in ["text/csv", "application/json"] {
        let path = "/predict/churn/batch";
        let mut answer = send(service, path, kind, wanted, body.to_vec()).await;
        assert_eq!(answer.status(), status, "{kind} to {wanted}");
        if status.is_success() {
            assert!(answer.chunk().await.unwrap().is_some());
        } else {
            let problem: Value = answer.json().await.unwrap();
            assert_eq!(problem["type"], "urn:engagecast:problem:malformed-body");
        }
    }
}

fn stream(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// This text again and again, of which there is one.
fn repeated(text: &str, rows: usize) -> ArrayRef {
    let one: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let keys = Int8Array::from(vec![0; rows]);
    Arc::new(DictionaryArray::<Int8Type>::new(keys, one))
}

fn ages(rows: usize) -> ArrayRef {
    Arc::new(Int32Array::from(vec![30; rows]))
}

#[tokio::test]
async fn a_text_that_many_customers_share_is_not_held_for_each_of_them() {
    const ROWS: usize = 6000;
    let (_folder, service, before) = measured();
    let text = "x".repeat(200_000);
    let ids = repeated(&text, ROWS);
    let columns = vec![("customer_id", Arc::clone(&ids)), ("age", ages(ROWS))];
    answers(&service, ARROW, &stream(columns.clone()), StatusCode::OK).await;

    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    assert!(file.len() < 1 << 20, "{}", file.len());
    answers(&service, PARQUET, &file, StatusCode::OK).await;
    assert_lean(&service, before).await;
}

#[tokio::test]
async fn more_customers_than_bytes_can_hold_are_refused() {
    let (_folder, service, before) = measured();
    let nobody: ArrayRef = Arc::new(NullArray::new(1 << 40));
    let body = stream(vec![("age", nobody)]);
    assert!(body.len() < 1000, "{}", body.len());
    answers(&service, ARROW, &body, StatusCode::BAD_REQUEST).await;
    assert_lean(&service, before).await;
}

#[tokio::test]
async fn flags_that_take_a_bit_each_are_answered_while_they_are_read() {
    const ROWS: usize = 20_000_000;
    let (_folder, service, before) = measured();
    let flags: ArrayRef = Arc::new(arrow_array::BooleanArray::new_null(ROWS));
    assert_eq!(flags.null_count(), ROWS);
    let body = stream(vec![("is_creator", flags)]);
    answers(&service, ARROW, &body, StatusCode::OK).await;
    assert_lean(&service, before).await;
}

/// A number of Thrift's compact protocol.
fn number(number: usize) -> Vec<u8> {
    let mut rest = number * 2;
    let mut bytes = Vec::new();
    while rest > 0x7f {
        bytes.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
        rest >>= 7;
    }
    bytes.push(u8::try_from(rest).unwrap());
    bytes
}

/// A file with one column of two ages, which says that it takes eight bytes, and
/// one page that says that it takes more, and does.
fn lying_page(unpacked: usize) -> Vec<u8> {
    const FRAME: usize = 8 << 20;
    let frame = zstd::stream::encode_all(&vec![0; FRAME][..], 1).unwrap();
    let data = frame.repeat(unpacked / FRAME);
    // The kind of page, its two sizes; the values, their encoding, those of levels.
    let sizes = [0, unpacked, data.len()].map(number);
    let of_values = [2, 0, 3, 3].map(number);
    let mut chunk = Vec::new();
    for size in sizes {
        chunk.push(0x15);
        chunk.extend(size);
    }
    chunk.push(0x2c);
    for of_value in of_values {
        chunk.push(0x15);
        chunk.extend(of_value);
    }
    chunk.extend([0, 0]);
    chunk.extend(data);

    let schema = parse_message_type("message customers { required int32 age; }").unwrap();
    let mut file = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut file, Arc::new(schema), Arc::default()).unwrap();
    let column = writer.schema_descr().column(0);
    let size = i64::try_from(chunk.len()).unwrap();
    let metadata = ColumnChunkMetaData::builder(column)
        .set_encodings(vec![Encoding::PLAIN, Encoding::RLE])
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_num_values(2)
        .set_total_compressed_size(size)
        .set_total_uncompressed_size(8)
        .set_data_page_offset(0)
        .build()
        .unwrap();
    let mut group = writer.next_row_group().unwrap();
    let close = ColumnCloseResult {
        bytes_written: chunk.len() as u64,
        rows_written: 2,
        metadata,
        bloom_filter: None,
        column_index: None,
        offset_index: None,
    };
    group.append_column(&Bytes::from(chunk), close).unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    file
}

#[tokio::test]
async fn a_page_that_unpacks_to_more_than_its_column_is_refused_before_it_does() {
    let (_folder, service, before) = measured();
    let file = lying_page(512 << 20);
    assert!(file.len() < 100_000, "{}", file.len());
    answers(&service, PARQUET, &file, StatusCode::BAD_REQUEST).await;

    let path = "/cohorts/import?name=lying";
    let taken = send(&service, path, PARQUET, "*/*", file).await;
    assert_eq!(taken.status(), StatusCode::ACCEPTED);
    let place = taken.headers()["location"].to_str().unwrap().to_owned();
    let state = ended(service.address(), &place).await;
    assert_eq!(state["state"], "failed", "{state}");
    let problem = &state["problem"];
    assert_eq!(problem["code"], "damaged-file", "{state}");
    let why = "a page of age says that it unpacks to more than the whole column";
    assert!(problem["detail"].as_str().unwrap().contains(why), "{state}");
    assert_lean(&service, before).await;
}
