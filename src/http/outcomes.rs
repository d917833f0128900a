//! The problems that an operation can answer, for the OpenAPI document: each
//! with a status, a sentence and an example.

use std::collections::BTreeMap;

use serde_json::json;
use utoipa::IntoResponses;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::problem::{FieldProblem, Kind, Problem};

/// Declares types whose responses are these kinds of problem.
macro_rules! outcomes {
    ($($(#[$doc:meta])* $name:ident: $($kind:ident $sentence:literal),+;)+) => {
        $(
            $(#[$doc])*
            pub struct $name;

            impl IntoResponses for $name {
                fn responses() -> BTreeMap<String, RefOr<Response>> {
                    BTreeMap::from([$(documented(Kind::$kind, $sentence)),+])
                }
            }
        )+
    };
}

outcomes! {
    /// What reading a JSON body can end in.
    BadBody:
        MalformedJson "The body is not a JSON object",
        RequestTimeout "The request was not complete, or not answered, in time",
        BodyTooLarge "The body is larger than the service accepts",
        UnsupportedMediaType "The body is not declared as JSON";
    /// What a customer and a query can be refused for.
    BadFields: InvalidCustomer "The customer or the query is not valid; every field at fault is listed";
    /// What a request for work can be refused for.
    BadRequest: InvalidRequest "The request is not valid; every member at fault is listed";
    /// What reading many customers can end in.
    BadRows:
        MalformedBody "The body is not of the format that it declares",
        RequestTimeout "The body stopped coming before its end",
        BodyTooLarge "The body is larger than the service accepts in this format",
        UnsupportedMediaType "The body's format is not declared, or not supported",
        InvalidTable "The columns of the table, or the query, are not valid; every one at fault is listed";
    NotAcceptable: NotAcceptable "The answer can't be had in a format that the client accepts";
    Busy: Busy "As many such requests as the service takes on are being answered";
    UnreadyOrBusy: Busy "No model is trained yet, or as many batches as the service takes on are being answered";
    /// What a guard refuses wherever a key is needed.
    NoKey:
        Unauthorized "There is no key, or none that this service knows",
        TooManyRequests "The key has made as many requests a second as it may",
        Busy "The keys or the room for the request can't be had now";
    WrongScope: Forbidden "The key's scope does not allow it";
    OtherMethod: MethodNotAllowed "The method is none of those that the Allow header lists";
    BadQuery: InvalidQuery "The query is not valid; every parameter at fault is listed";
    /// What taking a file can end in.
    BadUpload:
        MalformedBody "The file is empty, or the body broke off",
        RequestTimeout "The body stopped coming before its end",
        BodyTooLarge "The file is larger than the service takes",
        UnsupportedMediaType "The file's format is not declared, or not supported",
        InvalidRequest "The form, its mapping or the query is not valid; everything at fault is listed";
    KeyInUse: Conflict "The first call with this Idempotency-Key is still being worked on";
    NoJob: NotFound "There is no such job";
    NoModel: NotFound "There is no such model set, or it has no such model";
    NoServingModel: NotFound "The version is not the one that serves, or has no such model";
    NoForest: NotFound "There is no such model, or the linear model serves and has no trees";
    AwayOrBusy: DatabaseUnavailable "The database does not answer, or as many such requests as the service takes on are being answered";
    UnreadyOrAway: DatabaseUnavailable "No model is trained yet, or the database does not answer";
    UnknownTarget: NotFound "No target has this name";
    NotComplete: Conflict "The cohort is on its way, or came to nothing";
    NoCohort: NotFound "There is no such cohort";
    NoReport: NotFound "There is no such report, or no complete cohort yet";
    Unready: NotReady "No model is trained yet";
    DatabaseAway: DatabaseUnavailable "The database does not answer";
    AwayOrFull: DatabaseUnavailable "The database does not answer, or as many jobs as the service takes on wait to be begun";
    /// What any operation can end in.
    Always: Internal "Something went wrong on our side; the log has the cause under the request's id";
}

fn documented(kind: Kind, sentence: &str) -> (String, RefOr<Response>) {
    let problem = if kind == Kind::InvalidCustomer {
        Problem::fields(
            kind,
            vec![FieldProblem::new(
                "age",
                "out_of_range",
                "must be an integer from 13 to 120",
            )],
        )
    } else {
        Problem::new(kind, sentence.to_owned())
    };
    let status = problem.status().as_u16();
    let mut response = ResponseBuilder::new().description(sentence).content(
        "application/problem+json",
        ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Problem")))
            .example(Some(json!(problem.body("5f3a9c21-0000001a", "/"))))
            .build(),
    );
    if status == 401 || status == 403 {
        response = response.header(
            "www-authenticate",
            HeaderBuilder::new()
                .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
                .description(Some("Which scheme is asked for, and what was wrong"))
                .build(),
        );
    }
    (
        status.to_string(),
        told_when(status, response).build().into(),
    )
}

/// With the header that says when to come back, where the status has it.
pub fn told_when(status: u16, response: ResponseBuilder) -> ResponseBuilder {
    if status != 503 && status != 429 {
        return response;
    }
    response.header(
        "retry-after",
        HeaderBuilder::new()
            .schema(Some(ObjectBuilder::new().schema_type(Type::Integer)))
            .description(Some("Seconds until asking again makes sense"))
            .build(),
    )
}
