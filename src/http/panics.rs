//! What a panic says: one log line, with the request it happened in.
//!
//! The hook of the process sees where a panic happened but not in which
//! request; who catches it knows the request but not where. So while a handler
//! runs, the hook leaves its words for the catcher.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static WORDS: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Makes every panic of the process a log line.
pub fn install() {
    panic::set_hook(Box::new(|info| {
        if CATCHING.get() {
            WORDS.set(Some(words(info)));
        } else {
            tracing::error!("{}", words(info));
        }
    }));
}

/// Runs `work`, and hands back what its panic said, where it panicked.
pub(super) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // One who catches may do so within what another runs.
    let before = CATCHING.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(before);
    outcome.map_err(|payload| {
        WORDS
            .take()
            .unwrap_or_else(|| message(&*payload).to_owned())
    })
}

fn words(info: &PanicHookInfo<'_>) -> String {
    let message = message(info.payload());
    match info.location() {
        Some(place) => format!("panicked at {}:{}: {message}", place.file(), place.line()),
        None => format!("panicked: {message}"),
    }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_back_the_words_of_a_panic() {
        let caught = catch(|| panic!("the {} broke", "wheel"));
        assert!(caught.unwrap_err().contains("the wheel broke"));
        assert_eq!(catch(|| 3), Ok(3));
    }
}
