//! Messages of clients and services in use, recorded and freed of every token. They are
//! seeds of the fuzz targets too: what is measured is what is tested.

use std::iter;

/// A message: what it is, and its octets.
pub type Message = (&'static str, &'static [u8]);

macro_rules! seed {
    ($target:literal, $name:literal) => {
        (
            $name,
            include_bytes!(concat!("../../fuzz/seeds/", $target, "/", $name)).as_slice(),
        )
    };
}

/// Request heads, each whole, from the largest to the smallest.
pub const REQUEST_HEADS: [Message; 5] = [
    seed!("request_head", "claude-post-messages"),
    seed!("request_head", "codex-post-responses"),
    seed!("request_head", "npm-get-scoped"),
    seed!("request_head", "git-get-info-refs"),
    seed!("request_head", "claude-head-preconnect"),
];

/// Response heads, each whole, from the largest to the smallest.
pub const RESPONSE_HEADS: [Message; 3] = [
    seed!("response_head", "anthropic-event-stream"),
    seed!("response_head", "git-upload-pack-result"),
    seed!("response_head", "npm-not-modified"),
];

/// A short answer of a model, one event a chunk: in a body that matters, framing is not
/// a small part of the octets.
pub const EVENT_STREAM: Message = seed!("chunked", "event-stream");

/// A chunked body of `chunks` chunks with `octets` octets of data each.
pub fn chunked_body(chunks: usize, octets: usize) -> Vec<u8> {
    let size_line = format!("{octets:x}\r\n").into_bytes();
    let chunk = [size_line.as_slice(), &vec![b'x'; octets], b"\r\n"].concat();
    let mut body = iter::repeat_n(chunk, chunks).collect::<Vec<_>>().concat();
    body.extend_from_slice(b"0\r\n\r\n");
    body
}
