//! Section 4, bodies of requests: both framings, from the first octet, with
//! back-pressure, dropped extensions and trailers, faults in the chunked coding.

use std::thread;

use crate::support::{OK, assert_own_answer, get, one_exchange, pair, request};
use harness::{Ending, Peer, pattern};

const SIZES: [usize; 7] = [0, 1, 2, 4095, 4096, 4097, 100_000];

fn sized(length: usize) -> String {
    request("POST", "/api/x", &format!("Content-Length: {length}\r\n"))
}

fn chunked() -> String {
    request("POST", "/api/x", "Transfer-Encoding: chunked\r\n")
}

#[test]
fn a_body_with_a_length_arrives_with_that_length() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    let mut service = None;
    for size in SIZES {
        let body = pattern::octets(size);
        client.send(sized(size));
        let service = service.get_or_insert_with(|| upstream.accept());
        let head = service.read_head();
        assert_eq!(head.content_length(), Some(size as u64), "{head:?}");
        assert!(!head.has("transfer-encoding"), "{head:?}");
        client.send(&body);
        assert_eq!(service.read_exact(size), body);
        assert!(service.is_idle(), "nothing after the body");
        service.send(OK);
        assert_eq!(client.read_response("POST").status(), 200);
    }
}

#[test]
fn a_chunked_body_arrives_chunked() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    let mut service = None;
    for size in SIZES {
        let body = pattern::octets(size);
        client.send(chunked());
        for piece in body.chunks(1000) {
            client.send_chunk(piece);
        }
        client.send("0\r\n\r\n");
        let service = service.get_or_insert_with(|| upstream.accept());
        let head = service.read_head();
        assert!(head.is_chunked(), "{head:?}");
        assert_eq!(service.read_chunked(), body);
        assert!(service.is_idle(), "nothing after the body");
        service.send(OK);
        assert_eq!(client.read_response("POST").status(), 200);
    }
}

#[test]
fn one_octet_chunks_arrive_one_by_one() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(chunked());
    let mut service = upstream.accept();
    assert!(service.read_head().is_chunked());
    for octet in b"as they come, one by one" {
        client.send_chunk([*octet]);
        assert_eq!(service.read_chunk(), Some(vec![*octet]));
        assert!(service.is_idle());
    }
    client.send("0\r\n\r\n");
    assert_eq!(service.read_chunk(), None);
    service.send(OK);
    assert_eq!(client.read_response("POST").status(), 200);
}

#[test]
fn a_body_with_a_length_arrives_octet_by_octet() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(sized(20));
    let mut service = upstream.accept();
    assert_eq!(service.read_head().content_length(), Some(20));
    for octet in pattern::octets(20) {
        client.send([octet]);
        assert_eq!(service.read_exact(1), [octet]);
    }
    service.send(OK);
    assert_eq!(client.read_response("POST").status(), 200);
}

#[test]
fn half_a_chunk_is_not_held_back() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(chunked() + "a\r\n01234");
    let mut service = upstream.accept();
    assert!(service.read_head().is_chunked());
    // Re-framed: the five octets that are there come as a chunk of whatever size the
    // proxy chose, announced and complete or not.
    let size = service.read_chunk_size();
    assert!(size == 5 || size == 10, "{size}");
    assert_eq!(service.read_exact(5), b"01234");
    client.send("56789\r\n0\r\n\r\n");
    if size == 5 {
        assert_eq!(service.read_exact(2), b"\r\n");
        assert_eq!(service.read_chunked(), b"56789");
    } else {
        assert_eq!(service.read_exact(7), b"56789\r\n");
        assert_eq!(service.read_chunked(), b"");
    }
    service.send(OK);
    assert_eq!(client.read_response("POST").status(), 200);
}

#[test]
fn chunk_extensions_and_trailers_are_dropped() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    for body in [
        "5;a=b\r\nhello\r\n0\r\n\r\n",
        "5;a=\"x;y\"\r\nhello\r\n0;last\r\n\r\n",
        "05\r\nhello\r\n000\r\n\r\n",
        "2\r\nhe\r\n3;x\r\nllo\r\n0\r\nX-Sum: 1\r\nAuthorization: smuggled\r\n\r\n",
        "5\r\nhello\r\n0\r\nHost: smuggled\r\nContent-Length: 3\r\n\r\n",
    ] {
        eprintln!("row: {body:?}");
        client.send(chunked() + body);
        let mut service = upstream.accept();
        let head = service.read_head();
        assert!(head.is_chunked() && !head.has("trailer"), "{head:?}");
        assert_eq!(service.read_chunked(), b"hello");
        assert!(service.is_idle(), "no trailer");
        service.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        service.close();
        assert_eq!(client.read_response("POST").status(), 204);
    }
}

#[test]
fn a_fault_in_the_chunked_coding_is_a_400_and_never_completes_upstream() {
    let (upstream, proxy) = pair();
    for fault in [
        "x\r\n",
        "-1\r\n",
        "+1\r\na\r\n",
        "0x1\r\na\r\n",
        "\r\n",
        ";a\r\n",
        " 1\r\na\r\n",
        "1\r\nab\r\n",
        "1\r\na\n0\r\n\r\n",
        "1\na\r\n",
        "1\r\na\rb",
        "1\r\naX\r\n",
        "10000000000000000\r\n",
        "ffffffffffffffffff\r\n",
        "1;a\nb\r\na\r\n",
        "1;a\rb\r\na\r\n",
        "1 1\r\na\r\n",
        "1\r\na\r\n0\r\nno colon\r\n\r\n",
        "1\r\na\r\n0\r\nX : y\r\n\r\n",
        "1\r\na\r\n0\r\nX: y\n\r\n",
        "1\r\na\r\n0\r\n X: y\r\n\r\n",
        "1;a\0\r\na\r\n",
    ] {
        eprintln!("row: {fault:?}");
        let mut client = proxy.client();
        // A chunk before, so that the exchange has begun in earnest.
        client.send(chunked());
        client.send_chunk("good");
        let mut service = upstream.accept();
        service.read_head();
        assert_eq!(service.read_chunk().as_deref(), Some(&b"good"[..]));
        client.send(fault);
        let answer = client.read_response("POST");
        assert_own_answer(&answer, 400);
        assert!(answer.closes(), "{:?}", answer.head);
        client.wait_for_close();
        let (octets, _) = service.read_to_end();
        let complete = octets.windows(5).any(|w| w == b"0\r\n\r\n");
        assert!(
            !complete,
            "completed by {:?}",
            octets.escape_ascii().to_string()
        );
    }
    one_exchange(&proxy, &upstream);
}

#[test]
fn octets_after_a_body_are_the_next_request() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(sized(3) + "abc" + &chunked() + "1\r\na\r\n0\r\n\r\n" + &get("/api/last"));
    let mut service = upstream.accept();
    assert_eq!(service.answer(OK).1, b"abc");
    assert_eq!(service.answer(OK).1, b"a");
    assert_eq!(service.answer(OK).0.start_line(), "GET /last HTTP/1.1");
    for method in ["POST", "POST", "GET"] {
        assert_eq!(client.read_response(method).status(), 200);
    }
}

#[test]
fn any_method_may_have_a_body() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    let mut service = None;
    for method in ["GET", "DELETE", "OPTIONS", "PATCH", "PUT", "HEAD"] {
        client.send(request(method, "/api/x", "Content-Length: 4\r\n") + "body");
        let service = service.get_or_insert_with(|| upstream.accept());
        assert_eq!(service.read_request().1, b"body", "{method}");
        service.send(if method == "HEAD" {
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
        } else {
            OK
        });
        assert_eq!(client.read_response(method).status(), 200, "{method}");
    }
}

const LARGE: u64 = 64 << 20;
const RESIDENT_KIB: u64 = 32 * 1024;

#[test]
fn sixty_four_mebibytes_go_up_in_both_framings_in_little_memory() {
    let (upstream, proxy) = pair();
    for is_chunked in [false, true] {
        let mut client = proxy.client();
        thread::scope(|scope| {
            let sender = scope.spawn(|| {
                if is_chunked {
                    client.send(chunked());
                    client.send_chunked_pattern(LARGE);
                } else {
                    client.send(sized(LARGE as usize));
                    client.send_pattern(LARGE);
                }
                assert_eq!(client.read_response("POST").status(), 200);
            });
            let mut service = upstream.accept();
            let head = service.read_head();
            assert_eq!(head.is_chunked(), is_chunked);
            if is_chunked {
                service.read_chunked_pattern(LARGE);
            } else {
                service.read_pattern(0, LARGE);
            }
            service.send(OK);
            sender.join().expect("the client does not panic");
            service.close();
        });
        let peak = proxy.peak_resident_kib();
        assert!(peak < RESIDENT_KIB, "{peak} KiB of memory");
    }
}

#[test]
fn an_upstream_that_does_not_read_holds_the_client_back() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(sized(LARGE as usize));
    let mut service = upstream.accept();
    service.read_head();
    let sent = client.send_until_blocked(LARGE);
    assert!(sent < LARGE / 2, "{sent} octets fit between the two");
    let peak = proxy.peak_resident_kib();
    assert!(peak < RESIDENT_KIB, "{peak} KiB of memory");
    thread::scope(|scope| {
        scope.spawn(|| {
            let rest = LARGE - sent;
            let mut at = 0;
            while at < rest {
                let piece = pattern::slice(sent + at, (rest - at) as usize);
                client.send(piece);
                at += piece.len() as u64;
            }
            assert_eq!(client.read_response("POST").status(), 200);
        });
        service.read_pattern(0, LARGE);
        service.send(OK);
    });
    let peak = proxy.peak_resident_kib();
    assert!(peak < RESIDENT_KIB, "{peak} KiB of memory");
}

#[test]
fn a_client_that_ends_within_its_body_ends_the_upstream_request_too() {
    let (upstream, proxy) = pair();
    for head in [sized(100), chunked()] {
        let mut client = proxy.client();
        client.send(head);
        let mut service = upstream.accept();
        let is_chunked = service.read_head().is_chunked();
        if is_chunked {
            client.send_chunk("part");
            assert_eq!(service.read_chunk().as_deref(), Some(&b"part"[..]));
        } else {
            client.send("part");
            assert_eq!(service.read_exact(4), b"part");
        }
        client.close();
        let (octets, ending) = service.read_to_end();
        assert_eq!(octets, b"", "nothing completes the body");
        assert!(matches!(ending, Ending::Closed | Ending::Reset));
    }
}
