//! What the test targets share: requests, answers, one exchange seen from either end,
//! and the proof that nothing left.

use crate::head::Framing;
use crate::{Client, Connection, Ending, Head, Peer, Proxy, Response, Upstream};

/// A short answer of an upstream.
pub const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A request without body and with one Host.
pub fn get(target: &str) -> String {
    request("GET", target, "")
}

/// A request whose `fields` end in CRLF each.
pub fn request(method: &str, target: &str, fields: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: proxy.test\r\n{fields}\r\n")
}

/// A response with Content-Length.
pub fn response(status: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {length}\r\n\r\n{body}")
}

/// A plain upstream and a proxy before it, as [`Proxy::to`] starts it.
pub fn pair() -> (Upstream, Proxy) {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).start();
    (upstream, proxy)
}

/// One exchange on a new connection of both sides, to see that all is well.
pub fn one_exchange(proxy: &Proxy, upstream: &Upstream) {
    let mut client = proxy.client();
    client.send(get("/api/sentinel"));
    let mut service = upstream.accept();
    let head = service.read_head();
    assert_eq!(head.start_line(), "GET /sentinel HTTP/1.1");
    service.send(OK);
    assert_eq!(client.read_response("GET").status(), 200);
}

/// Proves that nothing has left the proxy so far: no connection waits at the upstream,
/// and the first octets it ever receives are those of a request sent only now.
pub fn prove_nothing_left(proxy: &Proxy, upstream: &Upstream) {
    upstream.assert_untouched();
    one_exchange(proxy, upstream);
    upstream.assert_untouched();
}

/// What the proxy sends upstream for the request `octets`; the exchange is completed on
/// connections of its own.
pub fn sent_upstream(proxy: &Proxy, upstream: &Upstream, octets: impl AsRef<[u8]>) -> Head {
    let mut client = proxy.client();
    client.send(octets);
    let mut service = upstream.accept();
    let (head, _) = service.read_request();
    service.send(response("200 OK", "Connection: close\r\n", ""));
    let method = head.start_line().split(' ').next().unwrap().to_owned();
    client.read_response(&method);
    head
}

/// What the client sees when the upstream answers a request of `method` with `octets`
/// and closes.
pub fn sent_downstream(
    proxy: &Proxy,
    upstream: &Upstream,
    method: &str,
    octets: impl AsRef<[u8]>,
) -> Response {
    let mut client = proxy.client();
    client.send(request(method, "/api/x", ""));
    let mut service = upstream.accept();
    service.read_head();
    service.send(octets);
    service.close();
    client.read_response(method)
}

/// A client, and an upstream connection that has carried one exchange for it.
pub fn reused(proxy: &Proxy, upstream: &Upstream) -> (Client, Connection) {
    let mut client = proxy.client();
    client.send(get("/api/first"));
    let mut service = upstream.accept();
    service.read_head();
    service.send(OK);
    client.read_response("GET");
    (client, service)
}

/// The error types of RFC 9209 §2.3.
const ERROR_TYPES: [&str; 32] = [
    "dns_timeout",
    "dns_error",
    "destination_not_found",
    "destination_unavailable",
    "destination_ip_prohibited",
    "destination_ip_unroutable",
    "connection_refused",
    "connection_terminated",
    "connection_timeout",
    "connection_read_timeout",
    "connection_write_timeout",
    "connection_limit_reached",
    "tls_protocol_error",
    "tls_certificate_error",
    "tls_alert_received",
    "http_request_error",
    "http_request_denied",
    "http_response_incomplete",
    "http_response_header_section_size",
    "http_response_header_size",
    "http_response_body_size",
    "http_response_trailer_section_size",
    "http_response_trailer_size",
    "http_response_transfer_coding",
    "http_response_content_coding",
    "http_response_timeout",
    "http_upgrade_failed",
    "http_protocol_error",
    "proxy_internal_response",
    "proxy_internal_error",
    "proxy_configuration_error",
    "proxy_loop_detected",
];

/// Checks what section 7 says of every answer of the proxy's own.
pub fn assert_own_answer(answer: &Response, status: u16) {
    let head = &answer.head;
    assert_eq!(head.status(), status, "{head:?} {:?}", answer.text());
    let content_type = head.one("content-type").unwrap_or_default();
    assert_eq!(content_type, "text/plain; charset=utf-8", "{head:?}");
    assert!(head.content_length().is_some(), "{head:?}");
    let proxy_status = head.one("proxy-status").unwrap_or_default();
    let error = proxy_status.strip_prefix("cred-proxy; error=");
    let error = error.and_then(|rest| rest.split(';').next());
    let known = error.is_some_and(|error| ERROR_TYPES.contains(&error));
    assert!(known, "Proxy-Status {proxy_status:?}");
    if answer.framing != Framing::NoBody {
        let text = answer.text();
        let text = text.trim_end();
        assert!(!text.is_empty(), "an answer says what was wrong");
        assert!(!text.contains('\n'), "one short sentence: {text:?}");
        assert!(text.len() < 400, "one short sentence: {text:?}");
    }
}

/// Checks an answer of the proxy's own that nobody should repeat the request after.
pub fn assert_refusal(answer: &Response, status: u16) {
    assert_own_answer(answer, status);
    let retry = answer.head.one("x-should-retry");
    assert_eq!(retry.as_deref(), Some("false"), "{:?}", answer.head);
}

/// Sends `octets` on a new connection, once as a whole and once octet by octet, and
/// expects one of `statuses` each time, without a connection to the upstream.
pub fn refused_with(
    proxy: &Proxy,
    upstream: &Upstream,
    octets: impl AsRef<[u8]>,
    statuses: &[u16],
    closes: bool,
) -> Response {
    let octets = octets.as_ref();
    let row = octets[..octets.len().min(300)].escape_ascii().to_string();
    eprintln!("row: {row}");
    let mut last = None;
    for piece in [octets.len(), 1] {
        let mut client = proxy.client();
        for octets in octets.chunks(piece) {
            // The answer may come before the last octet, and the end with it.
            if client.push(octets).is_err() {
                break;
            }
        }
        let method = octets.split(|octet| *octet == b' ').next().unwrap();
        let answer = client.read_response(&String::from_utf8_lossy(method));
        assert!(
            statuses.contains(&answer.status()),
            "{} instead of {statuses:?} for {row}",
            answer.status()
        );
        assert_refusal(&answer, answer.status());
        if closes {
            assert!(answer.closes(), "{row} closes: {:?}", answer.head);
            assert_eq!(client.wait_for_close().0, Ending::Closed, "{row}");
        }
        upstream.assert_untouched();
        last = Some(answer);
    }
    last.expect("an answer")
}

/// Sends a request with a chunked body that is faulty: the client gets a 400 and the end
/// of its connection, and the upstream gets a request without a last chunk.
pub fn never_completed(proxy: &Proxy, upstream: &Upstream, body: &str) {
    eprintln!("row: {body:?}");
    let mut client = proxy.client();
    let fields = "Transfer-Encoding: chunked\r\n";
    client.send(request("POST", "/api/x", fields));
    let mut service = upstream.accept();
    assert!(service.read_head().is_chunked());
    client.send(body);
    let answer = client.read_response("POST");
    assert_own_answer(&answer, 400);
    assert!(answer.closes(), "{:?}", answer.head);
    client.wait_for_close();
    let (octets, _) = service.read_to_end();
    let text = octets.escape_ascii().to_string();
    assert!(!octets.ends_with(b"0\r\n\r\n"), "completed by {text}");
    upstream.assert_untouched();
}

/// A refusal of a request that had no fault.
pub fn refused(
    proxy: &Proxy,
    upstream: &Upstream,
    octets: impl AsRef<[u8]>,
    status: u16,
) -> Response {
    refused_with(proxy, upstream, octets, &[status], false)
}

/// A refusal of octets that frame no message: the connection ends.
pub fn rejected(proxy: &Proxy, upstream: &Upstream, octets: impl AsRef<[u8]>, status: u16) {
    refused_with(proxy, upstream, octets, &[status], true);
}

/// Chunked messages with `fields` frame nothing: a request is rejected, a response is a
/// fault of the service.
pub fn misframed(proxy: &Proxy, upstream: &Upstream, fields: &str) {
    let octets = request("POST", "/api/x", fields) + "0\r\n\r\n";
    rejected(proxy, upstream, octets, 400);
    let octets = format!("HTTP/1.1 200 OK\r\n{fields}\r\n0\r\n\r\n");
    let answer = sent_downstream(proxy, upstream, "GET", octets);
    assert_own_answer(&answer, 502);
}

/// Sends a request that must pass, and gives the target that the upstream saw.
pub fn passes(proxy: &Proxy, upstream: &Upstream, octets: impl AsRef<[u8]>) -> String {
    let octets = octets.as_ref();
    eprintln!("row: {}", octets.escape_ascii());
    let mut client = proxy.client();
    client.send(octets);
    let mut service = upstream.accept();
    let (head, _) = service.read_request();
    service.send(response("200 OK", "Connection: close\r\n", "ok"));
    service.close();
    let method = head.start_line().split(' ').next().unwrap().to_owned();
    assert_eq!(client.read_response(&method).status(), 200);
    let line = head.start_line();
    line.split(' ').nth(1).unwrap().to_owned()
}
