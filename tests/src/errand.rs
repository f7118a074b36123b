//! Mixed traffic, the bad days of both sides included: a service that can everything, and
//! each thing that an agent does before it, seen to its end.
//!
//! The proxy between them has two routes that lead to [`serve`], `/plain` and `/tls`, of which
//! an errand is told one, and `/dead/`, which leads to nobody. A connection is kept between
//! two errands, but for those that say that they end it.

use std::io;

use crate::answer::{After, Answer};
use crate::client::Client;
use crate::pattern;
use crate::peer::{Ending, Peer};
use crate::proxy::TOKEN;
use crate::received::Received;
use crate::support::{assert_refusal, get, request};

/// Events of one stream.
const EVENTS: usize = 5;

/// Octets of an answer for which a read buffer grows beyond what is kept.
const LARGE: u64 = 200_000;

/// More than this is never uploaded; it is more than a read buffer begins with.
pub const UPLOAD_CEILING: usize = 50_000;

/// Answers as the target says.
pub fn serve(request: &Received, answer: &mut Answer<'_>) -> io::Result<After> {
    if request.all("authorization") != [format!("Bearer {TOKEN}")] {
        return answer.whole("401 Unauthorized", &[], b"the wrong credential");
    }
    match request.target.as_str() {
        "/echo" => answer.whole("200 OK", &[], &request.body),
        "/large" => answer.whole("200 OK", &[], &pattern::octets(LARGE as usize)),
        "/events" => {
            answer.begin_chunked("200 OK", &[("content-type", "text/event-stream")])?;
            for index in 0..EVENTS {
                answer.chunk(format!("data: {index}\n\n").as_bytes())?;
            }
            answer.end_chunked()
        }
        "/endless" => {
            answer.begin_chunked("200 OK", &[])?;
            loop {
                answer.chunk(&[b'x'; 1000])?;
            }
        }
        "/truncated" => {
            answer.raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart")?;
            Ok(After::Close)
        }
        "/last" => {
            answer.whole("200 OK", &[("connection", "close")], b"last")?;
            Ok(After::Close)
        }
        "/switch" => {
            let head = "connection: upgrade\r\nupgrade: websocket\r\n\r\n";
            answer.raw(format!("HTTP/1.1 101 Switching Protocols\r\n{head}").as_bytes())?;
            Ok(After::Echo)
        }
        target => answer.whole("200 OK", &[], target.as_bytes()),
    }
}

fn send(client: &mut Client, route: &str, method: &str, target: &str, fields: &str) {
    let head = request(method, &format!("{}{target}", route), fields);
    client.send(head);
}

fn expect_pattern(client: &mut Client, length: u64) {
    let head = client.read_head();
    let expected = (200, Some(length));
    assert_eq!((head.status(), head.content_length()), expected);
    client.read_pattern(0, length);
}

fn expect_text(client: &mut Client, text: &str) {
    let answer = client.read_response("GET");
    assert_eq!((answer.status(), answer.text().as_str()), (200, text));
}

/// A GET of `target`, which is answered with its name.
pub fn small(client: &mut Client, route: &str, target: &str) {
    send(client, route, "GET", target, "");
    expect_text(client, target);
}

/// A GET of much.
pub fn large(client: &mut Client, route: &str) {
    send(client, route, "GET", "/large", "");
    expect_pattern(client, LARGE);
}

/// An upload in chunks, and its echo.
pub fn chunked_post(client: &mut Client, route: &str, length: usize) {
    send(
        client,
        route,
        "POST",
        "/echo",
        "Transfer-Encoding: chunked\r\n",
    );
    for piece in pattern::octets(length).chunks(7_000) {
        client.send_chunk(piece);
    }
    client.send("0\r\n\r\n");
    expect_pattern(client, length as u64);
}

/// An upload of a length that is told, and its echo.
pub fn sized_post(client: &mut Client, route: &str, length: usize) {
    send(
        client,
        route,
        "POST",
        "/echo",
        &format!("Content-Length: {length}\r\n"),
    );
    client.send_pattern(length as u64);
    expect_pattern(client, length as u64);
}

/// An event stream.
pub fn events(client: &mut Client, route: &str) {
    send(client, route, "GET", "/events", "");
    let events: Vec<String> = (0..EVENTS).map(|i| format!("data: {i}\n\n")).collect();
    expect_text(client, &events.concat());
}

/// A tunnel; ends the connection.
pub fn upgrade(client: &mut Client, route: &str) {
    let fields = "Connection: upgrade\r\nUpgrade: websocket\r\n";
    send(client, route, "GET", "/switch", fields);
    assert_eq!(client.read_head().status(), 101);
    for _ in 0..3 {
        client.send("frame");
        assert_eq!(client.read_exact(5), b"frame");
    }
    client.half_close();
    assert_eq!(client.wait_for_close().0, Ending::Closed);
}

/// Begins a head, for the caller to break off.
pub fn begin_head(client: &mut Client, route: &str) {
    client.send(format!("GET {route}/x HTTP/1.1\r\nHost: a"));
}

/// Begins a body, for the caller to break off.
pub fn begin_body(client: &mut Client, route: &str) {
    send(client, route, "POST", "/echo", "Content-Length: 10000\r\n");
    client.send("begun");
}

/// Begins to read an answer that has no end, for the caller to break off.
pub fn begin_answer(client: &mut Client, route: &str) {
    send(client, route, "GET", "/endless", "");
    assert_eq!(client.read_head().status(), 200);
    assert!(client.read_chunk_size() > 0);
}

/// A service that breaks off its answer; ends the connection.
pub fn upstream_that_breaks_off(client: &mut Client, route: &str) {
    send(client, route, "GET", "/truncated", "");
    let head = client.read_head();
    assert_eq!((head.status(), head.content_length()), (200, Some(100)));
    assert_eq!(client.read_to_end().0, b"part");
}

/// A service that closes behind its answer.
pub fn upstream_that_closes(client: &mut Client, route: &str) {
    send(client, route, "GET", "/last", "");
    expect_text(client, "last");
}

/// A service that is not there.
pub fn dead_upstream(client: &mut Client, _route: &str) {
    let answer = client.ask(get("/dead/x"));
    assert_eq!(answer.status(), 502, "{}", answer.text());
}

/// A request whose framing is refused; ends the connection.
pub fn refused_framing(client: &mut Client, route: &str) {
    let fields = "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n";
    send(client, route, "POST", "/echo", fields);
    assert_refusal(&client.read_response("POST"), 400);
    client.wait_for_close();
}

/// Requests that are refused for what they ask.
pub fn refused_by_policy(client: &mut Client, _route: &str) {
    for (target, status) in [
        ("/tls/o/r/info/refs?service=git-receive-pack", 403),
        ("/tls/a/../b", 400),
        ("/nowhere/", 404),
    ] {
        assert_refusal(&client.ask(get(target)), status);
    }
}
