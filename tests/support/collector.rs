//! A collector of OpenTelemetry on a port of its own, that keeps the spans it is
//! sent.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

#[derive(Clone, Default)]
struct Kept {
    spans: Arc<Mutex<Vec<Span>>>,
    resource: Arc<Mutex<Vec<KeyValue>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

pub struct Collector {
    address: SocketAddr,
    kept: Kept,
}

impl Collector {
    /// One that takes everything.
    pub fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub fn on(listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let kept = Kept::default();
        let keeping = kept.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = keeping.clone();
                thread::spawn(move || kept.serve(stream));
            }
        });
        Self { address, kept }
    }

    /// The setting that names it.
    pub fn setting(&self) -> String {
        format!("--otlp-endpoint=http://{}", self.address)
    }

    pub fn spans(&self) -> Vec<Span> {
        self.kept.spans.lock().unwrap().clone()
    }

    /// Waits for a span of this name.
    pub fn wait_for(&self, name: &str) -> Span {
        self.wait_until(name, |span| span.name == name)
    }

    pub fn wait_until(&self, what: &str, wanted: impl Fn(&Span) -> bool) -> Span {
        let begun = Instant::now();
        loop {
            if let Some(span) = self.spans().into_iter().find(&wanted) {
                return span;
            }
            let names: Vec<_> = self.spans().into_iter().map(|span| span.name).collect();
            assert!(
                begun.elapsed() < Duration::from_mins(1),
                "no {what}: {names:?}"
            );
            sleep(Duration::from_millis(10));
        }
    }

    /// What the spans' process says of itself.
    pub fn resource(&self, name: &str) -> Option<String> {
        attribute(&self.kept.resource.lock().unwrap(), name)
    }

    /// The heads of all requests, in lower case.
    pub fn heads(&self) -> Vec<String> {
        self.kept.heads.lock().unwrap().clone()
    }
}

impl Kept {
    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if reader.read_line(&mut head).unwrap_or(0) == 0 {
                    return;
                }
            }
            let head = head.to_lowercase();
            let length = head.split("content-length: ").nth(1).unwrap();
            let length = length.split("\r\n").next().unwrap().parse().unwrap();
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            self.heads.lock().unwrap().push(head);
            let request = ExportTraceServiceRequest::decode(&*body).unwrap();
            for resource in request.resource_spans {
                *self.resource.lock().unwrap() = resource.resource.unwrap().attributes;
                let scopes = resource.scope_spans.into_iter();
                let spans = scopes.flat_map(|scope| scope.spans);
                self.spans.lock().unwrap().extend(spans);
            }
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            if stream.write_all(answer).is_err() {
                return;
            }
        }
    }
}

/// The text of an attribute.
pub fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.clone()?.value? {
        Value::StringValue(text) => Some(text),
        Value::IntValue(number) => Some(number.to_string()),
        other => panic!("{name} is {other:?}"),
    }
}

/// An id as it is written.
pub fn hex(id: &[u8]) -> String {
    let mut text = String::new();
    for byte in id {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
