//! The store that a command works on.

use crate::config::{Secret, StoreArgs};
use crate::store::{Location, Store, StoreError};

/// Where it is.
pub fn location(args: &StoreArgs) -> Location {
    let url = args.database_url.as_ref().map(Secret::reveal);
    Location::of(url, &args.data_dir)
}

/// Opens it; says so where it waits for a database that is away.
///
/// # Errors
/// Where the database can't be used.
pub async fn open(args: &StoreArgs) -> Result<Store, StoreError> {
    let waiting = |error: &StoreError| tracing::warn!("waiting for the database: {error}");
    Store::open(&location(args), args.database_wait, &waiting).await
}
