//! Who stands before every route: the place where it is asked who calls, whether
//! they may, and whether there is room, before the handler sees anything of the
//! request.
//!
//! What a route needs stands once, with the route, as the [`Group`] that it is
//! declared in; the OpenAPI document says it in the same words. Invariant: a
//! route can't be declared without a scope, and no handler of one that is not
//! open sees a request of a caller who may not.

mod declared;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Extensions, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::Route;
use axum::routing::future::RouteFuture;
use tower::Layer;
use utoipa::openapi::path::Paths;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use uuid::Uuid;

use super::Limits;
use super::access::{self, Refusal};
use super::deed::Deed;
use super::delay::TooLate;
use super::metrics::{Meter, Metrics, Shed};
use super::problem::{Kind, Problem};
use super::room::{Place, Rooms};
use crate::jobs::{Allowance, Key, Service};

pub use declared::operations;

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

impl Scope {
    /// As a key's scope is called; open routes need none.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Open => None,
            Self::Predict => Some("predict"),
            Self::Read => Some("read"),
            Self::Admin => Some("admin"),
        }
    }
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

impl Class {
    pub const ALL: [Self; 3] = [Self::Prediction, Self::Heavy, Self::Light];

    pub fn name(self) -> &'static str {
        match self {
            Self::Prediction => "prediction",
            Self::Heavy => "heavy",
            Self::Light => "light",
        }
    }
}

/// What all guards share. One that is made of nothing knows no key, and lets
/// nobody in without.
#[derive(Clone, Default)]
pub struct Gate {
    service: Arc<Service>,
    rooms: Arc<Rooms>,
    metrics: Arc<Metrics>,
    open_metrics: bool,
}

impl Gate {
    pub fn new(service: &Arc<Service>, metrics: &Arc<Metrics>, limits: &Limits) -> Self {
        Self {
            service: Arc::clone(service),
            rooms: Arc::new(Rooms::new(limits.in_flight)),
            metrics: Arc::clone(metrics),
            open_metrics: limits.open_metrics,
        }
    }

    /// What who asks for metrics needs.
    pub fn metrics(&self) -> Scope {
        if self.open_metrics {
            Scope::Open
        } else {
            Scope::Read
        }
    }

    /// How many requests of a class are being answered.
    pub fn in_flight(&self, class: Class) -> usize {
        self.rooms.taken(class)
    }

    /// Takes a place for a request of a class, if there is one.
    pub fn enter(&self, class: Class) -> Result<Place, Problem> {
        let place = self.rooms.enter(class);
        place.inspect_err(|_| self.metrics.shed(class, Shed::Room))
    }

    /// Lets a request in, or says why not; and whose it is, where that is known.
    fn admit(&self, post: &Post, request: &Request) -> (Option<Arc<Key>>, Result<Pass, Refusal>) {
        // Who asks whether the service is well is answered however full it is.
        if post.scope == Scope::Open {
            return (None, Ok(Pass::default()));
        }
        if post.class != Class::Light && request.extensions().get::<TooLate>().is_some() {
            self.metrics.shed(post.class, Shed::Delay);
            let problem = Problem::new(
                Kind::Busy,
                "More requests come than can be answered in time: try again soon.",
            );
            return (None, Err(problem.into()));
        }
        match access::caller(&self.service, request.headers()) {
            Ok(key) => {
                let pass = self.pass(post, request, key.as_ref());
                (key, pass)
            }
            Err(refusal) => (None, Err(refusal)),
        }
    }

    /// Lets in a caller that is known: counts, permits, makes room, in this order,
    /// so that what is refused takes none.
    fn pass(
        &self,
        post: &Post,
        request: &Request,
        key: Option<&Arc<Key>>,
    ) -> Result<Pass, Refusal> {
        let deed = || Deed::new(&self.service, key, &post.action, request);
        let mut allowance = None;
        if let Some(key) = key {
            allowance =
                access::count(key).inspect_err(|_| self.metrics.shed(post.class, Shed::Rate))?;
            access::permit(key, post.scope).inspect_err(|_| {
                // Once a second is enough to know of it, and bounds the log.
                if post.scope == Scope::Admin && key.is_first_refusal(self.service.now()) {
                    deed().refused(StatusCode::FORBIDDEN);
                }
            })?;
        }
        Ok(Pass {
            allowance,
            place: Some(self.enter(post.class)?),
            deed: (post.scope == Scope::Admin).then(|| Box::new(deed())),
        })
    }
}

/// One route, as its guard knows it.
pub struct Post {
    /// The path as it is declared, such as `/predict/{target}`.
    pub route: String,
    /// What it does, such as `models.activate`: its tag and its operation's id.
    action: String,
    pub scope: Scope,
    pub class: Class,
    /// Counts its answers.
    pub meter: Meter,
    gate: Gate,
}

/// What a request was let in on; held until it is answered.
#[derive(Default)]
struct Pass {
    /// What is left of its key's rate.
    allowance: Option<Allowance>,
    place: Option<Place>,
    /// Boxed, since few requests do anything.
    deed: Option<Box<Deed>>,
}

/// What the guard saw of a request, for whoever logs and counts it.
#[derive(Clone)]
pub struct Seen {
    pub post: Arc<Post>,
    /// What the key is called, never the key; none where none was presented.
    pub key: Option<Arc<str>>,
    pub key_id: Option<Uuid>,
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

/// Whose request it is, for what is kept for each caller apart: the id of the
/// key, and nothing where none was needed.
pub fn caller(extensions: &Extensions) -> String {
    let seen = extensions.get::<Visit>().and_then(Visit::seen);
    let id = seen.and_then(|seen| seen.key_id);
    id.map_or_else(String::new, |id| id.to_string())
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
    pub fn routes(mut self, (schemas, mut paths, methods): UtoipaMethodRouter<S>) -> Self {
        let route = paths.paths.keys().next().cloned().unwrap_or_default();
        declared::document(self.scope, &mut paths);
        let methods = methods.route_layer(self.guard(route, &paths));
        self.router = self.router.routes((schemas, paths, methods));
        self
    }

    fn guard(&self, route: String, paths: &Paths) -> Guard {
        Guard(Arc::new(Post {
            meter: self.gate.metrics.meter(declared::method(paths), &route),
            route,
            action: declared::action(paths),
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

impl tower::Service<Request> for Guarded {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Answering {
        let (key, admitted) = self.post.gate.admit(&self.post, &request);
        if let Some(visit) = request.extensions().get::<Visit>() {
            // A request has one route, so this is the first to tell.
            let _ = visit.0.set(Seen {
                post: Arc::clone(&self.post),
                key: key.as_ref().map(|key| Arc::clone(&key.name)),
                key_id: key.map(|key| key.id),
            });
        }
        match admitted {
            Ok(pass) => {
                // An answer that is made while it is sent keeps its place until then.
                if self.post.class == Class::Heavy
                    && let Some(place) = &pass.place
                {
                    request.extensions_mut().insert(place.clone());
                }
                Answering::Admitted(self.route.call(request), pass)
            }
            Err(refusal) => Answering::Refused(Some(refusal)),
        }
    }
}

/// The handler's answer, or the guard's own.
#[expect(
    clippy::large_enum_variant,
    reason = "a box would cost every request an allocation"
)]
enum Answering {
    Admitted(RouteFuture<Infallible>, Pass),
    Refused(Option<Refusal>),
}

impl Future for Answering {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Admitted(route, pass) => {
                let Ok(mut response) = ready!(Pin::new(route).poll(cx));
                if let Some(deed) = pass.deed.take() {
                    deed.answered(&response);
                }
                if let Some(allowance) = pass.allowance {
                    access::tell(allowance, response.headers_mut());
                }
                Poll::Ready(Ok(response))
            }
            Self::Refused(refusal) => match refusal.take() {
                Some(refusal) => Poll::Ready(Ok(refusal.into_response())),
                None => Poll::Pending,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use tower::Service as _;
    use utoipa_axum::routes;

    use super::*;

    #[utoipa::path(get, path = "/here/{id}")]
    async fn here() -> &'static str {
        "here"
    }

    #[tokio::test]
    async fn the_route_is_told_as_it_is_declared() {
        let group = Group::new(&Gate::default(), Scope::Open, Class::Light);
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
            (Scope::Open, Class::Light)
        );
    }

    #[tokio::test]
    async fn a_gate_that_knows_no_key_lets_nobody_in() {
        for scope in [Scope::Predict, Scope::Read, Scope::Admin] {
            let group = Group::new(&Gate::default(), scope, Class::Light);
            let mut router = Router::from(OpenApiRouter::from(group.routes(routes!(here))));
            let request = Request::get("/here/7").body(Body::empty()).unwrap();
            let answer = router.call(request).await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
            assert!(answer.headers().contains_key("www-authenticate"));
        }
    }
}
