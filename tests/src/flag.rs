//! The names of the flags for limits and deadlines, in one place.

use std::time::Duration;

/// Octets of a whole request head.
pub const REQUEST_HEAD_OCTETS: &str = "--limit-request-head-octets";
/// Octets of a request line without its CRLF.
pub const REQUEST_LINE_OCTETS: &str = "--limit-request-line-octets";
/// Field lines of a request.
pub const REQUEST_FIELD_LINES: &str = "--limit-request-field-lines";
/// Octets of a whole response head.
pub const RESPONSE_HEAD_OCTETS: &str = "--limit-response-head-octets";
/// Field lines of a response.
pub const RESPONSE_FIELD_LINES: &str = "--limit-response-field-lines";
/// Octets of a chunk-size line without its CRLF.
pub const CHUNK_LINE_OCTETS: &str = "--limit-chunk-line-octets";
/// Octets of chunk extensions over a message.
pub const CHUNK_EXTENSION_OCTETS: &str = "--limit-chunk-extension-octets";
/// Octets of a trailer section.
pub const TRAILER_OCTETS: &str = "--limit-trailer-octets";
/// Field lines of a trailer section.
pub const TRAILER_LINES: &str = "--limit-trailer-lines";
/// Interim responses before a final one.
pub const INTERIM_RESPONSES: &str = "--limit-interim-responses";
/// Downstream connections over all workers.
pub const CONNECTIONS: &str = "--limit-connections";
/// From the first octet of a request head to its last.
pub const REQUEST_HEAD_TIME: &str = "--limit-request-head-time";
/// Between two requests of a connection.
pub const IDLE_TIME: &str = "--limit-idle-time";
/// A client that sends nothing of a body it announced.
pub const REQUEST_BODY_IDLE_TIME: &str = "--limit-request-body-idle-time";
/// An upstream that reads nothing of a request.
pub const UPSTREAM_READ_IDLE_TIME: &str = "--limit-upstream-read-idle-time";
/// Connect and TLS handshake together.
pub const CONNECT_TIME: &str = "--limit-connect-time";
/// From the last octet of request progress to the response head.
pub const RESPONSE_HEAD_TIME: &str = "--limit-response-head-time";
/// A client that reads nothing of a response.
pub const CLIENT_READ_IDLE_TIME: &str = "--limit-client-read-idle-time";
/// A tunnel in which nothing moves.
pub const TUNNEL_IDLE_TIME: &str = "--limit-tunnel-idle-time";
/// A closing connection whose client sends nothing more.
pub const LINGER_IDLE_TIME: &str = "--limit-linger-idle-time";
/// A closing connection whose client goes on sending.
pub const LINGER_TIME: &str = "--limit-linger-time";
/// How long exchanges may go on after SIGTERM.
pub const DRAIN_TIME: &str = "--limit-drain-time";
/// How long an unused upstream connection is kept.
pub const POOL_IDLE_TIME: &str = "--limit-pool-idle-time";
/// How many unused upstream connections are kept.
pub const POOL_CONNECTIONS: &str = "--limit-pool-connections";

/// A time as the command line takes it.
pub fn time(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

/// The environment variable of a flag.
pub fn variable(flag: &str) -> String {
    let name = flag.trim_start_matches('-').replace('-', "_");
    format!("CRED_PROXY_{}", name.to_ascii_uppercase())
}
