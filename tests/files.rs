//! Cohorts as files: what was written is read back, by this program and by
//! others.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, RecordBatch, Scalar, new_null_array,
};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::concat::concat_batches;
use arrow_select::zip::zip;
use engagecast::cohort::{
    CohortFile, FileMetadata, Import, Limits, Mapping, Plan, TableReader, open_table,
};
use engagecast::schema::{self, COLUMNS, Kind};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::metadata::RowGroupMetaData;
use serde_json::json;

use crate::support::batches;
use crate::support::cohort;

/// Customers in one batch.
fn cohort(rows: usize, seed: u64) -> RecordBatch {
    concat_batches(&schema::arrow::schema(), &cohort::cohort(rows, seed)).unwrap()
}

fn metadata() -> FileMetadata {
    FileMetadata {
        customers: 300,
        seed: 8,
        spec: json!({ "targets": { "churn_rate_pct": 40.5 } }),
        generator_version: "7".into(),
    }
}

fn write(path: &Path, batches: &[RecordBatch]) {
    let mut file = CohortFile::create(path, metadata()).unwrap();
    for batch in batches {
        file.write(batch).unwrap();
    }
    file.finish().unwrap();
}

fn imported(path: &Path) -> RecordBatch {
    let mut import = Import::open(path, &Mapping::default(), Limits::default()).unwrap();
    let batches: Vec<_> = (&mut import).map(|rows| rows.unwrap().batch).collect();
    assert_eq!(
        import.summary().rejected,
        0,
        "{:?}",
        import.summary().reasons
    );
    assert_eq!(import.summary().columns_found.len(), COLUMNS.len());
    concat_batches(&schema::arrow::schema(), &batches).unwrap()
}

/// Every other value of each column but the identifier is taken out.
fn with_gaps(batch: &RecordBatch) -> RecordBatch {
    let columns = batch.columns().iter().enumerate().map(|(index, column)| {
        if COLUMNS[index].kind == Kind::Id {
            return Arc::clone(column);
        }
        let mask = (0..column.len()).map(|row| Some((row + index) % 2 == 0));
        let mask: BooleanArray = mask.collect();
        let none = Scalar::new(new_null_array(column.data_type(), 1));
        zip(&mask, column, &none).unwrap()
    });
    RecordBatch::try_new(batch.schema(), columns.collect()).unwrap()
}

#[test]
fn a_cohort_with_gaps_comes_back_equal_from_either_format() {
    let folder = tempfile::tempdir().unwrap();
    let written = with_gaps(&cohort(300, 8));
    for name in ["cohort.parquet", "cohort.csv"] {
        let path = folder.path().join(name);
        write(&path, &[written.slice(0, 100), written.slice(100, 200)]);
        assert_eq!(imported(&path), written, "{name}");
    }
}

#[test]
fn text_and_numbers_of_all_sorts_come_back_from_parquet_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hard.parquet");
    let written = batches::batch(0, 200);
    write(&path, std::slice::from_ref(&written));
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
    let read: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].columns(), written.columns());
}

#[test]
fn a_parquet_file_says_enough_to_be_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cohort.parquet");
    write(&path, &[cohort(300, 8)]);
    assert_eq!(open_table(&path).unwrap().metadata(), Some(&metadata()));
    let plan = Plan::new(2_500, 8).unwrap();
    let of_plan = FileMetadata::from(&plan);
    assert_eq!((of_plan.customers, of_plan.seed), (2_500, 8));
}

#[test]
fn a_parquet_file_has_units_meanings_and_row_groups_for_scans() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cohort.parquet");
    let small = cohort(300, 8);
    let part = concat_batches(&small.schema(), &vec![small; 100]).unwrap();
    write(&path, &vec![part; 10]);
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
    let groups = reader.metadata().row_groups();
    let rows: Vec<i64> = groups.iter().map(RowGroupMetaData::num_rows).collect();
    assert_eq!(rows, [262_144, 37_856]);
    let is_zstd = |c: Compression| matches!(c, Compression::ZSTD(_));
    assert!(groups[0].columns().iter().all(|c| is_zstd(c.compression())));
    for (field, column) in reader.schema().fields().iter().zip(&COLUMNS) {
        assert_eq!(field.metadata()["unit"], column.unit);
        assert_eq!(field.metadata()["meaning"], column.meaning);
    }
}

#[test]
fn columns_beyond_the_72_are_written_and_not_imported() {
    let folder = tempfile::tempdir().unwrap();
    let small = cohort(300, 8);
    let mut fields: Vec<_> = small.schema().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(
        "truth_churn_probability",
        DataType::Float64,
        true,
    )));
    let mut columns = small.columns().to_vec();
    let truth: ArrayRef = Arc::new(Float64Array::from_iter_values((0..300).map(f64::from)));
    columns.push(Arc::clone(&truth));
    let wide = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    for name in ["truth.parquet", "truth.csv"] {
        let path = folder.path().join(name);
        write(&path, std::slice::from_ref(&wide));
        let table = open_table(&path).unwrap();
        assert_eq!(table.columns().last().unwrap(), "truth_churn_probability");
        let rows: Vec<_> = table.map(Result::unwrap).collect();
        assert_eq!(rows[0].batch.num_columns(), 73);
        assert_eq!(imported(&path), small, "{name}");
    }
    let table = open_table(&folder.path().join("truth.parquet")).unwrap();
    let rows: Vec<_> = table.map(Result::unwrap).collect();
    assert_eq!(rows[0].batch.column(72), &truth);
}

#[test]
fn a_table_reads_only_the_columns_that_are_selected() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["cohort.parquet", "cohort.csv"] {
        let path = folder.path().join(name);
        write(&path, &[cohort(300, 8)]);
        let mut table: TableReader = open_table(&path).unwrap();
        table.select([4, 1]);
        let rows = table.next().unwrap().unwrap();
        let names = rows.batch.schema();
        let names: Vec<_> = names.fields().iter().map(|f| f.name().as_str()).collect();
        assert_eq!(names, ["age", "tenure_months"]);
        assert_eq!(rows.batch.num_rows(), 300);
    }
}

#[test]
fn a_cohort_of_nobody_is_a_file_with_columns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nobody.parquet");
    write(&path, &[]);
    let table = open_table(&path).unwrap();
    assert_eq!(table.columns().len(), 72);
    assert_eq!(table.count(), 0);
}
