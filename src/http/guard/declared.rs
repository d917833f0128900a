//! A route as it is declared: what the OpenAPI document says of it, told and read.
//!
//! Invariant: what the document says of keys is what the guard asks for, since
//! both are of the same scope.

use utoipa::IntoResponses;
use utoipa::openapi::PathItem;
use utoipa::openapi::path::{Operation, Paths};
use utoipa::openapi::security::SecurityRequirement;

use super::Scope;
use crate::http::{oip, outcomes};

/// Says in the OpenAPI document what the guard asks for.
pub fn document(scope: Scope, paths: &mut Paths) {
    for (path, item) in &mut paths.paths {
        let mut refusals = if oip::is_ours(path) {
            oip::NoKey::responses()
        } else {
            outcomes::NoKey::responses()
        };
        if scope > Scope::Predict {
            refusals.append(&mut outcomes::WrongScope::responses());
        }
        for operation in operations(item) {
            let Some(name) = scope.name() else {
                operation.security = Some(Vec::new());
                continue;
            };
            operation.security = Some(vec![SecurityRequirement::new("key", [name])]);
            for (status, response) in &refusals {
                let known = &mut operation.responses.responses;
                known
                    .entry(status.clone())
                    .or_insert_with(|| response.clone());
            }
        }
    }
}

/// What a route does, in the words of the OpenAPI document.
pub fn action(paths: &Paths) -> String {
    let mut item = paths.paths.values().next().cloned().unwrap_or_default();
    let Some(operation) = operations(&mut item).next() else {
        return String::new();
    };
    let tag = operation.tags.iter().flatten().next();
    let tag = tag.map_or_else(String::new, |tag| tag.to_lowercase());
    let id = operation.operation_id.as_deref().unwrap_or_default();
    format!("{tag}.{id}")
}

/// The method of a route, as it is declared.
pub fn method(paths: &Paths) -> &'static str {
    let mut item = paths.paths.values().next().cloned().unwrap_or_default();
    let first = declared(&mut item).next();
    first.map_or("other", |(method, _)| method)
}

/// The operations of a path.
pub fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    declared(item).map(|(_, operation)| operation)
}

fn declared(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem {
        get,
        post,
        put,
        delete,
        patch,
        ..
    } = item;
    let methods = [
        ("GET", get),
        ("POST", post),
        ("PUT", put),
        ("DELETE", delete),
        ("PATCH", patch),
    ];
    let declared = methods.into_iter();
    declared.filter_map(|(method, operation)| operation.as_mut().map(|known| (method, known)))
}
