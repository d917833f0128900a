//! Files that were sent in, in pieces, so that any process can do the job that
//! reads them.

use chrono::{DateTime, SubsecRound, Utc};
use uuid::Uuid;

use super::id::Id;
use super::{LONG, Store, StoreError, change, changing, on_either};

const BEGIN: &str =
    "INSERT INTO uploads (id, bytes, complete, created_at) VALUES ($1, 0, false, $2)";
const GROW: &str = "UPDATE uploads SET bytes = bytes + $2 WHERE id = $1 AND NOT complete";
const APPEND: &str = "INSERT INTO upload_chunks (upload_id, number, data) VALUES ($1, $2, $3)";
const FINISH: &str =
    "UPDATE uploads SET complete = true WHERE id = $1 AND NOT complete RETURNING bytes";
const SIZE: &str = "SELECT bytes FROM uploads WHERE id = $1 AND complete";
const READ: &str = "SELECT data FROM upload_chunks WHERE upload_id = $1 AND number = $2";
const DELETE: &str = "DELETE FROM uploads WHERE id = $1";

impl Store {
    /// Begins to take a file.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn begin_upload(&self, id: Uuid, at: DateTime<Utc>) -> Result<(), StoreError> {
        change!(
            self,
            "take a file",
            sqlx::query(BEGIN).bind(Id(id)).bind(at.trunc_subsecs(6))
        )?;
        Ok(())
    }

    /// Takes the next piece of a file: the one of this number, from 0. A piece of
    /// a megabyte or so is neither many statements nor much memory.
    ///
    /// # Errors
    /// [`StoreError::UnknownUpload`]; else where the database fails.
    pub async fn append_upload(
        &self,
        id: Uuid,
        number: u32,
        data: &[u8],
    ) -> Result<(), StoreError> {
        let bytes = i64::try_from(data.len()).unwrap_or(i64::MAX);
        let open = changing!(self, "take a file", within LONG, pool => async {
            let mut transaction = pool.begin().await?;
            let grown = sqlx::query(GROW)
                .bind(Id(id))
                .bind(bytes)
                .execute(&mut *transaction)
                .await?;
            if grown.rows_affected() == 0 {
                return Ok(false);
            }
            sqlx::query(APPEND)
                .bind(Id(id))
                .bind(i64::from(number))
                .bind(data)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await.map(|()| true)
        })?;
        if open {
            Ok(())
        } else {
            Err(StoreError::UnknownUpload(id))
        }
    }

    /// Declares a file complete, and tells how many bytes it has.
    ///
    /// # Errors
    /// As for [`Store::append_upload`].
    pub async fn finish_upload(&self, id: Uuid) -> Result<i64, StoreError> {
        let bytes: Option<i64> = changing!(self, "take a file", pool =>
            sqlx::query_scalar(FINISH).bind(Id(id)).fetch_optional(pool))?;
        bytes.ok_or(StoreError::UnknownUpload(id))
    }

    /// How many bytes a complete file has.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn upload_bytes(&self, id: Uuid) -> Result<Option<i64>, StoreError> {
        on_either!(self, "read a file", pool =>
            sqlx::query_scalar(SIZE).bind(Id(id)).fetch_optional(pool))
    }

    /// A piece of a file by its number; none after the last one.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn read_upload(&self, id: Uuid, number: u32) -> Result<Option<Vec<u8>>, StoreError> {
        on_either!(self, "read a file", within LONG, pool => sqlx::query_scalar(READ)
            .bind(Id(id))
            .bind(i64::from(number))
            .fetch_optional(pool))
    }

    /// Removes a file, wherever its taking or reading stands.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn delete_upload(&self, id: Uuid) -> Result<(), StoreError> {
        change!(self, "remove a file", within LONG, sqlx::query(DELETE).bind(Id(id)))?;
        Ok(())
    }
}
