//! Who stands before every route: the place where it is asked who calls, whether
//! they may, and whether there is room, before the handler sees anything of the
//! request.
//!
//! What a route needs stands once, with the route, as the [`Group`] that it is
//! declared in. Keys and limits are not asked for yet: everybody is let in, and
//! a guard only tells the [front](super::front) which route was taken.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use axum::response::IntoResponse;
use axum::routing::Route;
use axum::routing::future::RouteFuture;
use tower::{Layer, Service};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::delay::TooLate;
use super::problem::{Kind, Problem};

/// What a caller needs to be allowed; each scope includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// For everybody, without a key.
    Open,
    /// Predictions, and the metadata that clients of them ask for.
    Predict,
    /// Everything that is there, without changing it.
    Read,
    /// Everything.
    Admin,
}

/// What a call costs the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Microseconds, from memory.
    Prediction,
    /// Many customers, files, reports: seconds, and threads of its own.
    Heavy,
    /// A look at the database, or less.
    Light,
}

/// What all guards share.
#[derive(Clone, Default)]
pub struct Gate {}

impl Gate {
    /// Lets a request in, or says why not.
    #[expect(clippy::unused_self, reason = "keys come")]
    fn admit(&self, post: &Post, request: &Request) -> Result<Pass, Problem> {
        // Who asks: the key, its scope, its rate. Then the room for `post.class`.
        if post.class != Class::Light && request.extensions().get::<TooLate>().is_some() {
            return Err(Problem::new(
                Kind::Busy,
                "More requests come than can be answered in time: try again soon.",
            ));
        }
        Ok(Pass { key: None })
    }
}

/// One route, as its guard knows it.
pub struct Post {
    /// The path as it is declared, such as `/predict/{target}`.
    pub route: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "keys come"))]
    pub scope: Scope,
    pub class: Class,
    gate: Gate,
}

/// What a request was let in on; held until it is answered.
struct Pass {
    key: Option<Arc<str>>,
}

/// What the guard saw of a request, for whoever logs and counts it.
#[derive(Clone)]
pub struct Seen {
    pub post: Arc<Post>,
    /// What the key is called; none where none was presented.
    pub key: Option<Arc<str>>,
}

/// Where a request's guard leaves what it saw: the [front](super::front) puts it
/// into the request's extensions, and so learns of it where the handler panics
/// or takes too long, too.
#[derive(Clone, Default)]
pub struct Visit(Arc<OnceLock<Seen>>);

impl Visit {
    /// What the guard saw; nothing where no route was found.
    pub fn seen(&self) -> Option<&Seen> {
        self.0.get()
    }
}

/// Routes of one scope and class.
pub struct Group<S> {
    gate: Gate,
    scope: Scope,
    class: Class,
    router: OpenApiRouter<S>,
}

impl<S: Clone + Send + Sync + 'static> Group<S> {
    pub fn new(gate: &Gate, scope: Scope, class: Class) -> Self {
        Self {
            gate: gate.clone(),
            scope,
            class,
            router: OpenApiRouter::default(),
        }
    }

    /// Adds what `routes!` declares: one path with some of its methods.
    pub fn routes(mut self, (schemas, paths, methods): UtoipaMethodRouter<S>) -> Self {
        let route = paths.paths.keys().next().cloned().unwrap_or_default();
        let methods = methods.route_layer(self.guard(route));
        self.router = self.router.routes((schemas, paths, methods));
        self
    }

    fn guard(&self, route: String) -> Guard {
        Guard(Arc::new(Post {
            route,
            scope: self.scope,
            class: self.class,
            gate: self.gate.clone(),
        }))
    }
}

impl<S> From<Group<S>> for OpenApiRouter<S> {
    fn from(group: Group<S>) -> Self {
        group.router
    }
}

/// The guard of one route.
#[derive(Clone)]
struct Guard(Arc<Post>);

impl Layer<Route> for Guard {
    type Service = Guarded;

    fn layer(&self, route: Route) -> Guarded {
        Guarded {
            post: Arc::clone(&self.0),
            route,
        }
    }
}

/// A route behind its guard.
#[derive(Clone)]
struct Guarded {
    post: Arc<Post>,
    route: Route,
}

impl Service<Request> for Guarded {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Answering {
        let admitted = self.post.gate.admit(&self.post, &request);
        if let Some(visit) = request.extensions().get::<Visit>() {
            // A request has one route, so this is the first to tell.
            let _ = visit.0.set(Seen {
                post: Arc::clone(&self.post),
                key: admitted.as_ref().ok().and_then(|pass| pass.key.clone()),
            });
        }
        match admitted {
            Ok(pass) => Answering::Admitted(self.route.call(request), pass),
            Err(problem) => Answering::Refused(Some(problem)),
        }
    }
}

/// The handler's answer, or the guard's own.
#[expect(
    clippy::large_enum_variant,
    reason = "a box would cost every request an allocation"
)]
enum Answering {
    Admitted(RouteFuture<Infallible>, #[expect(dead_code)] Pass),
    Refused(Option<Problem>),
}

impl Future for Answering {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Admitted(route, _) => Pin::new(route).poll(cx),
            Self::Refused(problem) => match problem.take() {
                Some(problem) => Poll::Ready(Ok(problem.into_response())),
                None => Poll::Pending,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use tower::Service as _;
    use utoipa_axum::routes;

    use super::*;

    #[utoipa::path(get, path = "/here/{id}")]
    async fn here() -> &'static str {
        "here"
    }

    #[tokio::test]
    async fn the_route_is_told_as_it_is_declared() {
        let group = Group::new(&Gate::default(), Scope::Read, Class::Light);
        let mut router = Router::from(OpenApiRouter::from(group.routes(routes!(here))));
        let visit = Visit::default();
        let mut request = Request::get("/here/7").body(Body::empty()).unwrap();
        request.extensions_mut().insert(visit.clone());
        let answer = router.call(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let seen = visit.seen().unwrap();
        assert_eq!(seen.post.route, "/here/{id}");
        assert_eq!(
            (seen.post.scope, seen.post.class),
            (Scope::Read, Class::Light)
        );
    }
}
