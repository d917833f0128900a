//! A place in a trace as it is written in headers: the W3C's Trace Context.
//!
//! Invariant: what is not written as the W3C has it is nothing, and never a part
//! of an answer or a log line.

use std::fmt;
use std::str::FromStr;

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// The one version that is written, and its length.
const VERSION: &str = "00";
const LENGTH: usize = 55;

/// A span, and the trace that it is part of.
#[derive(Debug, Clone, PartialEq)]
pub struct Link(SpanContext);

impl Link {
    pub(super) fn of(context: SpanContext) -> Self {
        Self(context)
    }

    pub(super) fn context(&self) -> &SpanContext {
        &self.0
    }

    /// Reads a `traceparent`, and the `tracestate` that goes with it; none where
    /// the former is not one. A state that is not one is left out.
    #[must_use]
    pub fn read(parent: &str, state: &str) -> Option<Self> {
        let (head, rest) = parent.split_at_checked(LENGTH)?;
        let mut fields = head.split('-');
        let version = hex(fields.next()?, 2)?;
        // A later version may go on after these fields.
        let known = version == 0 && rest.is_empty();
        let later = (1..0xff).contains(&version) && (rest.is_empty() || rest.starts_with('-'));
        if !known && !later {
            return None;
        }
        let trace = TraceId::from(hex(fields.next()?, 32)?);
        let span = SpanId::from(u64::try_from(hex(fields.next()?, 16)?).ok()?);
        let flags = u8::try_from(hex(fields.next()?, 2)?).ok()?;
        let flags = TraceFlags::new(flags) & TraceFlags::SAMPLED;
        let state = TraceState::from_str(state).unwrap_or_default();
        let context = SpanContext::new(trace, span, flags, true, state);
        (fields.next().is_none() && context.is_valid()).then_some(Self(context))
    }

    /// The trace's id.
    #[must_use]
    pub fn trace(&self) -> impl fmt::Display {
        self.0.trace_id()
    }

    /// As a header `traceparent`.
    #[must_use]
    pub fn parent(&self) -> String {
        let (trace, span) = (self.0.trace_id(), self.0.span_id());
        format!("{VERSION}-{trace}-{span}-{:02x}", self.0.trace_flags())
    }

    /// As a header `tracestate`; empty where there is none.
    #[must_use]
    pub fn state(&self) -> String {
        self.0.trace_state().header()
    }
}

/// So many hexadecimal digits, in lower case.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let plain = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let right = text.len() == digits && text.bytes().all(plain);
    right.then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_parent_is_written_as_it_was_read() {
        let link = Link::read(PARENT, "rojo=1, congo=t61rcWkgMzE").unwrap();
        assert_eq!(link.parent(), PARENT);
        assert_eq!(link.state(), "rojo=1,congo=t61rcWkgMzE");
        assert_eq!(link.trace().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let unsampled = PARENT.replace("-01", "-00");
        assert_eq!(Link::read(&unsampled, "").unwrap().parent(), unsampled);
    }

    #[test]
    fn flags_and_fields_of_later_versions_are_left_out() {
        for parent in [
            PARENT.replace("-01", "-ff"),
            PARENT.replacen("00-", "cc-", 1),
            PARENT.replacen("00-", "cc-", 1) + "-what-the-future-will-be-like",
        ] {
            assert_eq!(
                Link::read(&parent, "").unwrap().parent(),
                PARENT,
                "{parent}"
            );
        }
    }

    #[test]
    fn what_is_no_parent_is_nothing() {
        for parent in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e47360-0f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0\u{e9}",
        ] {
            assert_eq!(Link::read(parent, ""), None, "{parent}");
        }
    }

    #[test]
    fn a_state_that_is_none_does_not_take_the_parent_with_it() {
        for state in ["no-value", "UPPER=1", "a=b,,c", "a=1=2"] {
            let link = Link::read(PARENT, state).unwrap();
            assert_eq!(
                (link.parent(), link.state()),
                (PARENT.into(), String::new())
            );
        }
    }
}
