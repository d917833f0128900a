//! The shapes of a call for predictions, as the OpenAPI document has them.
//!
//! They are never made: [`Request`](super::Request) reads the one, and
//! [`answer`](super::answer) writes the other.

use utoipa::ToSchema;

/// What is asked of a model. Behind the JSON stands the binary data of the inputs
/// that have a `binary_data_size`, in their order; the header
/// `Inference-Header-Content-Length` then says how long the JSON is.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents what `Request` reads")]
#[schema(example = json!({
    "id": "42",
    "inputs": [
        {"name": "customer_id", "shape": [2], "datatype": "BYTES", "data": ["c-17", "c-18"]},
        {"name": "age", "shape": [2], "datatype": "INT32", "data": [31, 44]},
        {"name": "days_since_last_active", "shape": [2], "datatype": "FP64", "data": [5, null]},
        {"name": "location", "shape": [2], "datatype": "BYTES", "data": ["Chicago", ""]}
    ]
}))]
pub struct InferRequest {
    /// Repeated in the answer.
    id: Option<String>,
    parameters: Option<InferParameters>,
    /// A tensor a column, all of them with the same number of rows.
    #[schema(min_items = 1, max_items = 72)]
    inputs: Vec<InferInput>,
    /// The outputs wanted; all of them where none is named.
    outputs: Option<Vec<InferRequestedOutput>>,
}

/// What holds for a whole request. Others are ignored.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents what `Request` reads")]
pub struct InferParameters {
    /// Whether outputs are answered as binary data unless one of them says otherwise.
    #[schema(default = false)]
    binary_data_output: Option<bool>,
    /// How many of the strongest reasons to answer in the output `reasons`.
    #[schema(minimum = 0, maximum = 20, default = 0)]
    explain: Option<u8>,
}

/// A column of customers.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents what `Request` reads")]
pub struct InferInput {
    /// The column.
    #[schema(example = "age")]
    name: String,
    /// `[n]` or `[n, 1]`.
    #[schema(min_items = 1, max_items = 2, example = json!([2]))]
    shape: Vec<u32>,
    datatype: TensorDatatype,
    parameters: Option<InferTensorParameters>,
    /// A value for each row: NaN, null and an empty text are missing. Absent where
    /// the data is binary.
    #[schema(example = json!([31, 44]))]
    data: Option<Vec<serde_json::Value>>,
}

/// Where a tensor's data is.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents what `Request` reads")]
pub struct InferTensorParameters {
    /// How much of the binary data behind the JSON is this tensor's.
    #[schema(minimum = 0)]
    binary_data_size: Option<u64>,
}

/// An output that is wanted.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents what `Request` reads")]
pub struct InferRequestedOutput {
    #[schema(example = "probability")]
    name: String,
    parameters: Option<InferOutputParameters>,
}

/// How an output is answered.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents what `Request` reads")]
pub struct InferOutputParameters {
    /// Whether its data is to be binary.
    binary_data: Option<bool>,
}

/// The types of values. Texts and categories are BYTES; any of the number types
/// holds a number.
#[derive(ToSchema)]
#[expect(
    dead_code,
    clippy::upper_case_acronyms,
    reason = "the protocol's names"
)]
pub enum TensorDatatype {
    BOOL,
    UINT8,
    UINT16,
    UINT32,
    UINT64,
    INT8,
    INT16,
    INT32,
    INT64,
    FP16,
    FP32,
    FP64,
    BYTES,
}

/// What a model answers. Where its outputs are binary the JSON ends where
/// `Inference-Header-Content-Length` says, and their data follows.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents what `answer` writes")]
#[schema(example = json!({
    "model_name": "churn",
    "model_version": "20251121T090000Z-5f3a9c21",
    "id": "42",
    "outputs": [
        {"name": "probability", "datatype": "FP64", "shape": [2], "data": [0.7312, 0.2051]},
        {"name": "tier", "datatype": "BYTES", "shape": [2], "data": ["high", "low"]},
        {"name": "percentile", "datatype": "FP64", "shape": [2], "data": [88.1, 31.9]},
        {"name": "applicable", "datatype": "BOOL", "shape": [2], "data": [true, true]},
        {"name": "error", "datatype": "BYTES", "shape": [2], "data": ["", ""]}
    ]
}))]
pub struct InferResponse {
    model_name: String,
    model_version: String,
    /// That of the request.
    #[schema(required = false)]
    id: Option<String>,
    outputs: Vec<InferOutput>,
}

/// A column of the answers.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents what `answer` writes")]
pub struct InferOutput {
    name: String,
    datatype: TensorDatatype,
    shape: Vec<u32>,
    parameters: Option<InferTensorParameters>,
    /// Absent where it is binary. A number that can't be told is null.
    data: Option<Vec<serde_json::Value>>,
}
