//! RFC 9110 §7.6, forwarding: loops, Connection (§7.6.1), Max-Forwards (§7.6.2), Via
//! (§7.6.3).

use crate::support::{pair, prove_nothing_left, refused, request, sent_downstream, sent_upstream};

/// > Intermediaries are expected to forward messages even when protocol elements are not
/// > recognized (e.g., new methods, status codes, or field names) since that preserves
/// > extensibility for downstream recipients.
///
/// New methods are not: a route says which it lets pass.
#[test]
fn a_status_nobody_knows_is_forwarded() {
    let (upstream, proxy) = pair();
    let octets = "HTTP/1.1 599 Odd\r\nX-Odd: 1\r\nContent-Length: 2\r\n\r\nok";
    let answer = sent_downstream(&proxy, &upstream, "GET", octets);
    assert_eq!(answer.head.start_line(), "HTTP/1.1 599 Odd");
    assert_eq!(answer.head.all("x-odd"), ["1"]);
}

/// > An intermediary MUST NOT forward a message to itself unless it is protected from an
/// > infinite request loop.
#[test]
fn a_request_that_has_been_here_is_a_508() {
    let (upstream, proxy) = pair();
    let head = sent_upstream(&proxy, &upstream, request("GET", "/api/x", ""));
    let via = head.one("via").expect("Via");
    let fields = format!("Via: 1.0 fred, {via} (a comment), 1.1 p\r\n");
    refused(&proxy, &upstream, request("GET", "/api/x", &fields), 508);
    prove_nothing_left(&proxy, &upstream);
}

/// §7.6.1:
///
/// > Intermediaries MUST parse a received Connection header field before a message is
/// > forwarded and, for each connection-option in this field, remove any header or
/// > trailer field(s) from the message with the same name as the connection-option, and
/// > then remove the Connection header field itself
#[test]
fn what_connection_names_stays_on_its_hop() {
    let (upstream, proxy) = pair();
    let fields = "X-One: 1\r\nConnection: X-ONE\r\nx-two: 2\r\nConnection: x-two\r\nX-Three: 3\r\n";
    let head = sent_upstream(&proxy, &upstream, request("GET", "/api/x", fields));
    let octets = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n");
    let answer = sent_downstream(&proxy, &upstream, "GET", octets);
    for head in [&head, &answer.head] {
        for name in ["connection", "x-one", "x-two"] {
            assert!(!head.has(name), "{name} in {head:?}");
        }
        assert_eq!(head.all("x-three"), ["3"]);
    }
}

/// §7.6.1:
///
/// > intermediaries SHOULD remove or replace fields that are known to require removal
/// > before forwarding, whether or not they appear as a connection-option
#[test]
fn hop_by_hop_fields_stay_on_their_hop_unnamed() {
    let (upstream, proxy) = pair();
    let fields = "Proxy-Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\n\
        Trailer: X\r\nUpgrade: h2c\r\n";
    let head = sent_upstream(&proxy, &upstream, request("GET", "/api/x", fields));
    let octets = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n");
    let answer = sent_downstream(&proxy, &upstream, "GET", octets);
    for head in [&head, &answer.head] {
        for name in ["proxy-connection", "keep-alive", "te", "trailer"] {
            assert!(!head.has(name), "{name} in {head:?}");
        }
    }
    assert!(!head.has("upgrade"), "{head:?}");
}

/// §7.6.1:
///
/// > A sender MUST NOT send a connection option corresponding to a field that is intended
/// > for all recipients of the content.
///
/// Who does so all the same can't take away what frames, routes or authenticates.
#[test]
fn connection_takes_away_nothing_that_the_message_needs() {
    let (upstream, proxy) = pair();
    let fields = "Connection: Host, Content-Length, Authorization, Via\r\nContent-Length: 0\r\n";
    let head = sent_upstream(&proxy, &upstream, request("POST", "/api/x", fields));
    assert_eq!(head.content_length(), Some(0));
    assert_eq!(head.all("host"), [upstream.authority()]);
    assert_eq!(
        (head.all("authorization").len(), head.all("via").len()),
        (1, 1)
    );
    let octets =
        "HTTP/1.1 200 OK\r\nConnection: content-length, date\r\nContent-Length: 2\r\n\r\nok";
    let answer = sent_downstream(&proxy, &upstream, "GET", octets);
    assert_eq!(answer.text(), "ok");
}

/// §7.6.2:
///
/// > If the received value is zero (0), the intermediary MUST NOT forward the request;
/// > instead, the intermediary MUST respond as the final recipient.
#[test]
fn max_forwards_0_is_answered_here() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    for value in ["0", "00"] {
        let fields = format!("Max-Forwards: {value}\r\n");
        let answer = client.ask(request("OPTIONS", "/api/x", &fields));
        assert_eq!(answer.status(), 204);
    }
    prove_nothing_left(&proxy, &upstream);
}

/// §7.6.2:
///
/// > the intermediary MUST generate an updated Max-Forwards field in the forwarded
/// > message with a field value that is the lesser of a) the received value decremented
/// > by one (1) or b) the recipient's maximum supported value for Max-Forwards.
///
/// > A recipient MAY ignore a Max-Forwards header field received with any other request
/// > methods.
#[test]
fn max_forwards_counts_down_for_options_alone() {
    let (upstream, proxy) = pair();
    for (method, value, seen) in [
        ("OPTIONS", "1", "0"),
        ("OPTIONS", "10", "9"),
        ("GET", "10", "10"),
        ("GET", "0", "0"),
    ] {
        let fields = format!("Max-Forwards: {value}\r\n");
        let head = sent_upstream(&proxy, &upstream, request(method, "/api/x", &fields));
        assert_eq!(head.all("max-forwards"), [seen], "{method} {value}");
    }
}

/// §7.6.3:
///
/// > An HTTP-to-HTTP gateway MUST send an appropriate Via header field in each inbound
/// > request message and MAY send a Via header field in forwarded response messages.
///
/// The member tells the version that was received, and stands behind those before it.
#[test]
fn via_tells_of_this_hop_behind_those_before() {
    let (upstream, proxy) = pair();
    let octets = "GET /api/x HTTP/1.0\r\nVia: 1.0 fred, 1.1 p\r\nVia: 1.1 q\r\n\r\n";
    let via = sent_upstream(&proxy, &upstream, octets)
        .all("via")
        .join(", ");
    let own = via.strip_prefix("1.0 fred, 1.1 p, 1.1 q, ");
    assert!(
        own.is_some_and(|own| own.starts_with("1.0 cred-proxy-")),
        "{via}"
    );
    let via = sent_upstream(&proxy, &upstream, request("GET", "/api/x", "")).all("via");
    assert!(via[0].starts_with("1.1 cred-proxy-"), "{via:?}");
}
