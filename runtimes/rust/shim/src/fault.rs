//! Errors, as the Runtime API wants them.

use std::any::type_name;
use std::cell::RefCell;

use crate::Error;

pub struct Fault {
    kind: String,
    message: String,
    stack: Vec<String>,
}

thread_local! {
    // Where and why this thread panicked last.
    static LAST_PANIC: RefCell<(String, String)> = const { RefCell::new((String::new(), String::new())) };
}

/// Keeps message and place of panics, besides printing them.
pub fn remember_panics() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let payload = info.payload();
        let message = payload
            .downcast_ref::<&str>()
            .map(|text| text.to_string())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        let place = info.location().map(|place| place.to_string()).unwrap_or_default();
        LAST_PANIC.with(|last| last.replace((message, place)));
        print(info);
    }));
}

impl Fault {
    pub fn new(kind: &str, message: String) -> Fault {
        Fault { kind: kind.to_owned(), message, stack: Vec::new() }
    }

    /// Of an error that the handler declares as an `E`.
    pub fn of_error<E>(error: &(dyn std::error::Error + 'static)) -> Fault {
        // Whatever a box holds, its type is not known any more.
        let kind = if type_name::<E>() == type_name::<Error>() { "Error" } else { type_name::<E>() };
        let kind = kind.strip_prefix("bootstrap::function::").unwrap_or(kind);
        let mut fault = Fault::new(kind, error.to_string());
        let mut cause = error.source();
        while let Some(error) = cause {
            fault.stack.push(format!("caused by: {error}"));
            cause = error.source();
        }
        fault
    }

    pub fn of_panic() -> Fault {
        let (message, place) = LAST_PANIC.with(|last| last.take());
        Fault { kind: "panic".to_owned(), message, stack: vec![place] }
    }

    pub fn to_json(&self) -> Vec<u8> {
        serde_json::json!({
            "errorType": self.kind,
            "errorMessage": self.message,
            "stackTrace": self.stack,
        })
        .to_string()
        .into_bytes()
    }
}
