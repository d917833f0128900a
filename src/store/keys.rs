//! Keys of the HTTP interface: their hashes, what they are good for, and until
//! when.

use chrono::{DateTime, SubsecRound, Utc};
use uuid::Uuid;

use super::id::Id;
use super::{LONG, Store, StoreError, change, changing, check, on_either};

/// A key; not the key itself, which nobody keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub id: Uuid,
    /// What a person calls it.
    pub name: String,
    /// What it is good for; the store doesn't look inside.
    pub scope: String,
    /// Unique.
    pub hash: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    /// Requests a second that it may make; none for the default.
    pub rate_limit: Option<u32>,
}

type Row = (
    Id,
    String,
    String,
    Vec<u8>,
    DateTime<Utc>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    Option<i64>,
);

// A key that is seeded at each start is inserted once.
const INSERT: &str = "INSERT INTO api_keys \
    (id, name, scope, hash, created_at, expires_at, revoked_at, last_used_at, rate_limit) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (hash) DO NOTHING";
const LIST: &str = "SELECT id, name, scope, hash, created_at, expires_at, revoked_at, \
    last_used_at, rate_limit FROM api_keys ORDER BY created_at, id";
const REVOKE: &str = "UPDATE api_keys SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1";
const TOUCH: &str = "UPDATE api_keys SET last_used_at = $2 \
    WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";

impl Store {
    /// Keeps a key; false where one of this hash is there already.
    ///
    /// # Errors
    /// [`StoreError::Unstorable`] for a text that a database can't hold; else
    /// where the database fails.
    pub async fn insert_key(&self, key: &ApiKey) -> Result<bool, StoreError> {
        check::text("the key's name", &key.name)?;
        check::text("the key's scope", &key.scope)?;
        let moment = |at: Option<DateTime<Utc>>| at.map(|at| at.trunc_subsecs(6));
        let inserted = change!(
            self,
            "store a key",
            sqlx::query(INSERT)
                .bind(Id(key.id))
                .bind(&key.name)
                .bind(&key.scope)
                .bind(&key.hash)
                .bind(key.created_at.trunc_subsecs(6))
                .bind(moment(key.expires_at))
                .bind(moment(key.revoked_at))
                .bind(moment(key.last_used_at))
                .bind(key.rate_limit.map(i64::from))
        )?;
        Ok(inserted > 0)
    }

    /// All keys, the revoked ones too.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let rows: Vec<Row> = on_either!(self, "list the keys", pool =>
            sqlx::query_as(LIST).fetch_all(pool))?;
        Ok(rows.into_iter().map(ApiKey::from_row).collect())
    }

    /// Revokes a key; false where there is no such key. One that was revoked
    /// before keeps that moment.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn revoke_key(&self, id: Uuid, at: DateTime<Utc>) -> Result<bool, StoreError> {
        let revoked = change!(
            self,
            "revoke a key",
            sqlx::query(REVOKE).bind(Id(id)).bind(at.trunc_subsecs(6))
        )?;
        Ok(revoked > 0)
    }

    /// Notes when keys were last used.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn touch_keys(&self, uses: &[(Uuid, DateTime<Utc>)]) -> Result<(), StoreError> {
        changing!(self, "note the use of keys", within LONG, pool => async {
            let mut transaction = pool.begin().await?;
            for (id, at) in uses {
                sqlx::query(TOUCH)
                    .bind(Id(*id))
                    .bind(at.trunc_subsecs(6))
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await
        })
    }
}

impl ApiKey {
    fn from_row(row: Row) -> Self {
        let (id, name, scope, hash, created_at, expires_at, revoked_at, last_used_at, rate) = row;
        Self {
            id: id.0,
            name,
            scope,
            hash,
            created_at,
            expires_at,
            revoked_at,
            last_used_at,
            rate_limit: rate.and_then(|rate| u32::try_from(rate).ok()),
        }
    }
}
