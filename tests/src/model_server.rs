//! A model that streams its answer as server-sent events, one at a time: each leaves
//! only when the test says so, so a test can see that the one before has arrived.

use std::io;
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio_rustls::rustls::ServerConfig;

use crate::answer::{After, Answer};
use crate::origin::Origin;
use crate::process::GUARD;
use crate::received::Received;
use crate::upstream::listen;

/// A running model.
pub struct ModelServer {
    origin: Origin,
    gate: Sender<()>,
}

impl ModelServer {
    /// Answers `POST /v1/messages` and `POST /v1/responses` as the two vendors do, and
    /// anything else by three events without a type.
    pub fn start(tls: Arc<ServerConfig>) -> ModelServer {
        ModelServer::on(listen(), tls)
    }

    /// The same on a listener that there is already.
    pub fn on(listener: TcpListener, tls: Arc<ServerConfig>) -> ModelServer {
        let (gate, permits) = channel();
        let permits = Mutex::new(permits);
        let origin = Origin::on(listener, Some(tls), move |request, answer| {
            stream(request, answer, &permits.lock().expect("a sound lock"))
        });
        ModelServer { origin, gate }
    }

    /// Its listener and its record.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Lets the next event leave.
    ///
    /// # Panics
    /// When the server is gone.
    pub fn release(&self) {
        self.gate.send(()).expect("a server that waits");
    }
}

/// One event: its name, and the text that it adds.
pub type Event = (&'static str, &'static str);

type Rendering = fn(&str, &str) -> String;

/// The events of `POST /v1/messages`.
pub const MESSAGES: [Event; 7] = [
    ("message_start", ""),
    ("content_block_start", ""),
    ("content_block_delta", "one"),
    ("content_block_delta", "two"),
    ("content_block_stop", ""),
    ("message_delta", ""),
    ("message_stop", ""),
];

/// The events of `POST /v1/responses`.
pub const RESPONSES: [Event; 4] = [
    ("response.created", ""),
    ("response.output_text.delta", "one"),
    ("response.output_text.delta", "two"),
    ("response.completed", ""),
];

/// What the events of any other path carry.
pub const PLAIN: [Event; 3] = [("", "one"), ("", "two"), ("", "three")];

fn stream(
    request: &Received,
    answer: &mut Answer<'_>,
    permits: &Receiver<()>,
) -> io::Result<After> {
    let (events, data): (&[Event], Rendering) = match request.target.split('?').next() {
        Some("/v1/messages") => (&MESSAGES, message),
        Some("/v1/responses") => (&RESPONSES, response),
        _ => (&PLAIN, |_, text| text.to_owned()),
    };
    answer.begin_chunked("200 OK", &[("content-type", "text/event-stream")])?;
    for (name, text) in events {
        permits.recv_timeout(GUARD).map_err(io::Error::other)?;
        let head = match *name {
            "" => String::new(),
            name => format!("event: {name}\n"),
        };
        answer.chunk(format!("{head}data: {}\n\n", data(name, text)).as_bytes())?;
    }
    answer.end_chunked()
}

fn message(name: &str, text: &str) -> String {
    let usage = json!({ "input_tokens": 3, "output_tokens": 2 });
    let mut event: Value = match name {
        "message_start" => json!({ "message": {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage,
        }}),
        "content_block_start" => {
            json!({ "index": 0, "content_block": { "type": "text", "text": "" } })
        }
        "content_block_delta" => {
            json!({ "index": 0, "delta": { "type": "text_delta", "text": text } })
        }
        "content_block_stop" => json!({ "index": 0 }),
        "message_delta" => json!({
            "delta": { "stop_reason": "end_turn", "stop_sequence": null }, "usage": usage,
        }),
        _ => json!({}),
    };
    event["type"] = name.into();
    event.to_string()
}

fn response(name: &str, text: &str) -> String {
    let mut event: Value = match name {
        "response.output_text.delta" => json!({
            "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": text,
        }),
        _ => json!({ "response": { "id": "resp_1", "object": "response", "output": [] } }),
    };
    event["type"] = name.into();
    event["sequence_number"] = 0.into();
    event.to_string()
}
