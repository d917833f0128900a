//! Sends spans to the collector, from the thread that gathers them.
//!
//! Invariant: a collector that is away, slow or unwilling costs the spans that it
//! was to take, and one line in the log for each time that it goes away.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use prost::Message;
use tokio::runtime::Handle;
use tokio::time::sleep;

use super::collector::{Collector, Failure};

/// The pauses before spans are sent again to a collector that is busy or away.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];

#[derive(Debug)]
pub(super) struct Exporter {
    collector: Collector,
    resource: ResourceAttributesWithSchema,
    /// The spans are gathered on a thread of their own, and sent from those that
    /// wait for sockets.
    runtime: Handle,
    is_away: AtomicBool,
}

impl Exporter {
    pub(super) fn new(collector: Collector, runtime: Handle) -> Self {
        Self {
            collector,
            resource: ResourceAttributesWithSchema::default(),
            runtime,
            is_away: AtomicBool::new(false),
        }
    }

    fn note(&self, sent: Result<(), Failure>) -> OTelSdkResult {
        let (place, was_away) = (
            &self.collector,
            self.is_away.swap(sent.is_err(), Ordering::Relaxed),
        );
        match sent {
            Ok(()) => {
                if was_away {
                    tracing::info!("spans are sent to {place} again");
                }
                Ok(())
            }
            Err(failure) => {
                if !was_away {
                    tracing::warn!("spans are lost until {place} takes them: {failure}");
                }
                Err(OTelSdkError::InternalFailure(failure.to_string()))
            }
        }
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let request = ExportTraceServiceRequest {
            resource_spans: group_spans_by_resource_and_scope(batch, &self.resource),
        };
        let body = Bytes::from(request.encode_to_vec());
        let sent = self.runtime.spawn(send(self.collector.clone(), body));
        self.note(sent.await.unwrap_or(Err(Failure::Stopped)))
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}

/// Sends spans, and again where that may help.
async fn send(collector: Collector, body: Bytes) -> Result<(), Failure> {
    for pause in PAUSES {
        match collector.post(body.clone()).await {
            Err(failure) if failure.is_passing() => sleep(pause).await,
            done => return done,
        }
    }
    collector.post(body).await
}
