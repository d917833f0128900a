//! What a request, and the work that it asks for, spends its time on: spans of a
//! trace, for a collector of OpenTelemetry.
//!
//! A trace that a caller began goes on here, whether spans are recorded or not.
//! Invariants: nothing that a client sent stands in a span but the ids of its
//! trace; recording waits for nothing, and where the collector does not keep up,
//! spans are lost and requests are not.

mod collector;
mod export;
mod link;

use std::borrow::Cow;
use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::trace::{
    FutureExt, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt, Tracer, TracerProvider,
};
use opentelemetry::{Context, ContextGuard, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, RandomIdGenerator, Sampler, SdkTracer,
    SdkTracerProvider, SpanLimits,
};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use collector::Collector;
use export::Exporter;

pub use link::Link;
pub use opentelemetry::Value;

/// Spans that wait to be sent; what comes beyond that is lost.
const QUEUE: usize = 8192;
/// Spans that are sent at a time.
const BATCH: usize = 1024;
/// How long a span waits to be sent with others.
const DELAY: Duration = Duration::from_secs(1);
/// How long the last spans may take to be sent.
const FLUSH: Duration = Duration::from_secs(2);

/// Records spans; none where nobody wants them.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// Where spans are sent, and which.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Host and port of the collector.
    pub authority: String,
    /// Where it takes spans.
    pub path: String,
    /// Headers that it asks for.
    pub headers: Vec<(String, String)>,
    /// Share of the traces that begin here; those of a caller are recorded as it says.
    pub ratio: f64,
    /// What the service is called, and whatever else tells this process from others.
    pub attributes: Vec<(String, String)>,
}

/// Spans are recorded, until this is told to stop.
pub struct Recording(SdkTracerProvider);

impl Recording {
    /// Begins to record the spans of this process, in a runtime that outlives them.
    #[must_use]
    pub fn start(settings: &Settings) -> Self {
        let collector = Collector::new(settings);
        let exporter = Exporter::new(collector, Handle::current());
        let queue = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(DELAY);
        let attributes = settings.attributes.iter().cloned();
        let attributes = attributes.map(|(name, value)| KeyValue::new(name, value));
        let provider = SdkTracerProvider::builder()
            .with_span_processor(
                BatchSpanProcessor::builder(exporter)
                    .with_batch_config(queue.build())
                    .build(),
            )
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
                settings.ratio,
            ))))
            .with_id_generator(RandomIdGenerator::default())
            .with_span_limits(SpanLimits::default())
            .with_resource(
                Resource::builder_empty()
                    .with_attributes(attributes)
                    .build(),
            )
            .build();
        // The only failure is that another service of this process records already.
        let _ = TRACER.set(provider.tracer(env!("CARGO_PKG_NAME")));
        Self(provider)
    }

    /// Sends what is recorded, as far as that takes no longer than a moment.
    pub async fn stop(self) {
        let stopped = spawn_blocking(move || self.0.shutdown_with_timeout(FLUSH));
        if !matches!(stopped.await, Ok(Ok(()))) {
            tracing::warn!("the last spans could not be sent");
        }
    }
}

/// The span of a request, and the trace that it is part of.
pub struct Request {
    /// The trace, where anybody else knows of it.
    link: Option<Link>,
    span: Span,
}

impl Request {
    /// Begins with a request's head. One that is `quiet` is recorded only where
    /// its caller recorded the asking.
    #[must_use]
    pub fn begin(method: &'static str, caller: Option<Link>, quiet: bool) -> Self {
        let Some(tracer) = TRACER.get().filter(|_| caller.is_some() || !quiet) else {
            let span = Span { context: None };
            return Self { link: caller, span };
        };
        let parent = match &caller {
            Some(link) => Context::new().with_remote_span_context(link.context().clone()),
            None => Context::new(),
        };
        let builder = SpanBuilder::from_name(method).with_kind(SpanKind::Server);
        let span = Span::begin(tracer, builder, &parent);
        let link = span.link().or(caller);
        Self { link, span }
    }

    /// The trace that the request is part of, if anybody else knows of it.
    #[must_use]
    pub fn link(&self) -> Option<&Link> {
        self.link.as_ref()
    }

    /// What is begun while the guard lives is part of the request.
    pub fn enter(&self) -> Option<ContextGuard> {
        self.span.context.clone().map(Context::attach)
    }

    /// Ends with the head of the answer; `describe` says what is told of both.
    pub fn end<D>(&self, failed: bool, describe: D)
    where
        D: FnOnce() -> (String, Vec<(&'static str, Value)>),
    {
        let Some(context) = &self.span.context else {
            return;
        };
        let (name, attributes) = describe();
        let span = context.span();
        span.update_name(name);
        let attributes = attributes.into_iter();
        span.set_attributes(attributes.map(|(name, value)| KeyValue::new(name, value)));
        if failed {
            self.span.fail();
        }
        span.end();
    }
}

/// A piece of work, recorded where what it is part of is. It ends when it is
/// dropped.
#[must_use = "a span ends when it is dropped"]
pub struct Span {
    /// None where it is not recorded.
    context: Option<Context>,
}

impl Span {
    /// Work of this process that is part of what runs now.
    pub fn part(name: impl Into<Cow<'static, str>>) -> Self {
        Self::child(name, SpanKind::Internal)
    }

    /// The same for what another process does, and this one waits for.
    pub fn call(name: impl Into<Cow<'static, str>>) -> Self {
        Self::child(name, SpanKind::Client)
    }

    /// Work that was asked for before, by the request that `origin` is the trace of.
    pub fn job(name: impl Into<Cow<'static, str>>, origin: Option<Link>) -> Self {
        let Some(tracer) = TRACER.get() else {
            return Self { context: None };
        };
        let parent = Context::new();
        let parent = match origin {
            Some(link) => parent.with_remote_span_context(link.context().clone()),
            None => parent,
        };
        let builder = SpanBuilder::from_name(name).with_kind(SpanKind::Consumer);
        Self::begin(tracer, builder, &parent)
    }

    fn child(name: impl Into<Cow<'static, str>>, kind: SpanKind) -> Self {
        let recorded = |tracer: &SdkTracer| {
            Context::map_current(|current| {
                current.span().span_context().is_sampled().then(|| {
                    let builder = SpanBuilder::from_name(name).with_kind(kind);
                    Self::begin(tracer, builder, current)
                })
            })
        };
        let none = Self { context: None };
        TRACER.get().and_then(recorded).unwrap_or(none)
    }

    fn begin(tracer: &SdkTracer, builder: SpanBuilder, parent: &Context) -> Self {
        let span = tracer.build_with_context(builder, parent);
        let context = parent.with_span(span);
        let recorded = context.span().is_recording();
        Self {
            context: recorded.then_some(context),
        }
    }

    /// Where this is in its trace; none where it is not recorded.
    #[must_use]
    pub fn link(&self) -> Option<Link> {
        let span = |context: &Context| Link::of(context.span().span_context().clone());
        self.context.as_ref().map(span)
    }

    /// Does the work: what it begins is part of this.
    pub fn around<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        // Where it is not recorded, nor is what it is part of.
        work.with_context(self.context.clone().unwrap_or_default())
    }

    /// Adds what is known of the work by now.
    pub fn tell(&self, name: &'static str, value: impl Into<Value>) {
        if let Some(context) = &self.context {
            context.span().set_attribute(KeyValue::new(name, value));
        }
    }

    /// The work did not do what it was to do.
    pub fn fail(&self) {
        if let Some(context) = &self.context {
            context.span().set_status(Status::error(""));
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(context) = &self.context {
            context.span().end();
        }
    }
}

/// Where what runs now is in its trace, for work that is done later or elsewhere;
/// none where it is not recorded.
#[must_use]
pub fn here() -> Option<Link> {
    let recorded = |context: &SpanContext| context.is_sampled().then(|| Link::of(context.clone()));
    Context::map_current(|current| recorded(current.span().span_context()))
}
