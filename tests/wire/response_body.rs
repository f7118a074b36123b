//! Section 6, bodies of responses: out as soon as in, framing generated, truncation
//! visible, back-pressure.

use std::thread;

use crate::support::{OK, get, pair, request};
use harness::head::Framing;
use harness::{Client, Connection, Peer, Proxy, Upstream, pattern};

const SIZES: [usize; 7] = [0, 1, 2, 4095, 4096, 4097, 100_000];

/// Sends a GET, and gives the upstream's end of it, the head read.
fn asked(client: &mut Client, upstream: &Upstream) -> Connection {
    client.send(get("/api/x"));
    let mut service = upstream.accept();
    service.read_head();
    service
}

#[test]
fn a_body_with_a_length_keeps_it() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    let mut service = asked(&mut client, &upstream);
    for size in SIZES {
        let body = pattern::octets(size);
        service.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n"));
        service.send(&body);
        let answer = client.read_response("GET");
        assert_eq!(answer.framing, Framing::ContentLength, "{:?}", answer.head);
        assert_eq!(answer.body, body);
        client.assert_silent();
        client.send(get("/api/x"));
        service.read_head();
    }
}

#[test]
fn a_chunked_body_is_framed_anew() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    let mut service = asked(&mut client, &upstream);
    for size in SIZES {
        let body = pattern::octets(size);
        service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n");
        for piece in body.chunks(1000) {
            service.send(format!("{:03X};a=b\r\n", piece.len()));
            service.send(piece);
            service.send("\r\n");
        }
        service.send("0;last\r\nX-Sum: 1\r\nSet-Cookie: a\r\n\r\n");
        let answer = client.read_response("GET");
        assert_eq!(answer.framing, Framing::Chunked, "{:?}", answer.head);
        assert_eq!(answer.body, body);
        assert!(!answer.head.has("trailer"), "{:?}", answer.head);
        client.assert_silent();
        client.send(get("/api/x"));
        service.read_head();
    }
}

#[test]
fn a_close_delimited_body_becomes_chunked() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    for size in SIZES {
        let body = pattern::octets(size);
        let mut service = asked(&mut client, &upstream);
        service.send("HTTP/1.1 200 OK\r\nX: y\r\n\r\n");
        service.send(&body);
        service.close();
        let answer = client.read_response("GET");
        assert_eq!(answer.framing, Framing::Chunked, "{:?}", answer.head);
        assert_eq!(answer.body, body);
    }
    let mut service = asked(&mut client, &upstream);
    service.send("HTTP/1.0 200 OK\r\n\r\nfrom an old server");
    service.close();
    let answer = client.read_response("GET");
    assert_eq!(answer.text(), "from an old server");
    assert!(!answer.closes(), "{:?}", answer.head);
}

#[test]
fn one_octet_events_arrive_one_by_one_in_every_framing() {
    let (upstream, proxy) = pair();
    let events = b"data: 1 as it comes";
    let length = format!("Content-Length: {}\r\n", events.len());
    for framing in ["Transfer-Encoding: chunked\r\n", &length, ""] {
        let mut client = proxy.client();
        let mut service = asked(&mut client, &upstream);
        service.send(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{framing}\r\n"
        ));
        let head = client.read_head();
        assert_eq!(head.status(), 200);
        for event in events {
            if framing.starts_with('T') {
                service.send_chunk([*event]);
            } else {
                service.send([*event]);
            }
            if head.is_chunked() {
                assert_eq!(client.read_chunk(), Some(vec![*event]));
            } else {
                assert_eq!(client.read_exact(1), [*event]);
            }
            client.assert_silent();
        }
        match framing {
            "" => service.close(),
            _ if head.is_chunked() => service.send("0\r\n\r\n"),
            _ => {}
        }
        if head.is_chunked() {
            assert_eq!(client.read_chunk(), None);
        }
    }
}

#[test]
fn the_head_goes_out_before_the_first_octet_of_the_body() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    let mut service = asked(&mut client, &upstream);
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
    assert_eq!(client.read_head().content_length(), Some(3));
    client.assert_silent();
    service.send("abc");
    assert_eq!(client.read_exact(3), b"abc");
}

#[test]
fn a_head_cut_anywhere_is_put_together() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    let mut service = asked(&mut client, &upstream);
    for octet in OK.bytes() {
        service.send([octet]);
    }
    assert_eq!(client.read_response("GET").text(), "ok");
    client.send(get("/api/x"));
    service.read_head();
    for octet in
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nT: x\r\n\r\n"
    {
        service.send([*octet]);
    }
    assert_eq!(client.read_response("GET").text(), "ok");
}

#[test]
fn a_truncated_body_is_seen_as_truncated() {
    let (upstream, proxy) = pair();
    for (head, part) in [
        ("Content-Length: 10\r\n", "12345"),
        ("Content-Length: 10\r\n", ""),
        ("Transfer-Encoding: chunked\r\n", "5\r\n12345\r\n"),
        ("Transfer-Encoding: chunked\r\n", "5\r\n12"),
        ("Transfer-Encoding: chunked\r\n", "5\r\n12345\r\n0\r\n"),
        (
            "Transfer-Encoding: chunked\r\n",
            "5\r\n12345\r\n0\r\nX: y\r\n",
        ),
        ("Transfer-Encoding: chunked\r\n", ""),
    ] {
        eprintln!("row: {head:?} {part:?}");
        let mut client = proxy.client();
        let mut service = asked(&mut client, &upstream);
        service.send(format!("HTTP/1.1 200 OK\r\n{head}\r\n"));
        let is_chunked = client.read_head().is_chunked();
        service.send(part);
        service.close();
        let (octets, _) = client.read_to_end();
        if is_chunked {
            assert!(!octets.windows(3).any(|w| w == b"0\r\n"), "{octets:?}");
        } else {
            assert_eq!(octets, part.as_bytes());
        }
    }
}

#[test]
fn a_reset_truncates_even_a_close_delimited_body() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    let mut service = asked(&mut client, &upstream);
    service.send("HTTP/1.1 200 OK\r\n\r\nsome of it");
    assert!(client.read_head().is_chunked());
    assert_eq!(client.read_chunk().as_deref(), Some(&b"some of it"[..]));
    service.reset();
    let (octets, _) = client.read_to_end();
    assert_eq!(octets, b"", "no last chunk");
}

#[test]
fn a_fault_in_the_chunked_coding_cuts_the_response() {
    let (upstream, proxy) = pair();
    for fault in [
        "x\r\n",
        "-1\r\n",
        "1\r\nab\r\n",
        "10000000000000000\r\n",
        "1\na\r\n",
        "\r\n",
    ] {
        eprintln!("row: {fault:?}");
        let mut client = proxy.client();
        let mut service = asked(&mut client, &upstream);
        service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        service.send_chunk("good");
        assert_eq!(client.read_head().status(), 200);
        assert_eq!(client.read_chunk().as_deref(), Some(&b"good"[..]));
        service.send(fault);
        let (octets, _) = client.read_to_end();
        assert!(!octets.windows(3).any(|w| w == b"0\r\n"), "{octets:?}");
        service.read_to_end();
    }
}

const LARGE: u64 = 64 << 20;
const RESIDENT_KIB: u64 = 32 * 1024;

#[test]
fn sixty_four_mebibytes_come_down_in_every_framing_in_little_memory() {
    let (upstream, proxy) = pair();
    for framing in [
        "Transfer-Encoding: chunked\r\n",
        "Content-Length: 67108864\r\n",
        "",
    ] {
        let mut client = proxy.client();
        thread::scope(|scope| {
            let mut service = asked(&mut client, &upstream);
            scope.spawn(move || {
                service.send(format!("HTTP/1.1 200 OK\r\n{framing}\r\n"));
                if framing.starts_with('T') {
                    service.send_chunked_pattern(LARGE);
                } else {
                    service.send_pattern(LARGE);
                }
                service.close();
            });
            if client.read_head().is_chunked() {
                client.read_chunked_pattern(LARGE);
            } else {
                client.read_pattern(0, LARGE);
            }
        });
        let peak = proxy.peak_resident_kib();
        assert!(peak < RESIDENT_KIB, "{peak} KiB of memory");
    }
}

#[test]
fn a_client_that_does_not_read_holds_the_upstream_back() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    let mut service = asked(&mut client, &upstream);
    service.send(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n"
    ));
    let sent = service.send_until_blocked(LARGE);
    assert!(sent < LARGE / 2, "{sent} octets fit between the two");
    let peak = proxy.peak_resident_kib();
    assert!(peak < RESIDENT_KIB, "{peak} KiB of memory");
    assert_eq!(client.read_head().status(), 200);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut at = sent;
            while at < LARGE {
                let piece = pattern::slice(at, (LARGE - at) as usize);
                service.send(piece);
                at += piece.len() as u64;
            }
        });
        client.read_pattern(0, LARGE);
    });
}

#[test]
fn a_slow_client_does_not_slow_another() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).arg("--threads").arg("1").start();
    let mut slow = proxy.client();
    slow.receive_buffer(4096);
    let mut first = asked(&mut slow, &upstream);
    first.send(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n"
    ));
    first.send_until_blocked(LARGE);
    let mut quick = proxy.client();
    for _ in 0..3 {
        let mut second = asked(&mut quick, &upstream);
        second.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        assert_eq!(quick.read_response("GET").text(), "ok");
    }
}

#[test]
fn up_and_down_flow_at_the_same_time() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", "Transfer-Encoding: chunked\r\n"));
    let mut service = upstream.accept();
    assert!(service.read_head().is_chunked());
    service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(client.read_head().status(), 200);
    for round in 0..20 {
        let text = format!("round {round}");
        client.send_chunk(&text);
        assert_eq!(service.read_chunk().as_deref(), Some(text.as_bytes()));
        service.send_chunk(&text);
        assert_eq!(client.read_chunk().as_deref(), Some(text.as_bytes()));
    }
    client.send("0\r\n\r\n");
    assert_eq!(service.read_chunk(), None);
    service.send("0\r\n\r\n");
    assert_eq!(client.read_chunk(), None);
    // Both messages are complete, so both connections go on.
    client.send(get("/api/next"));
    assert_eq!(service.read_head().start_line(), "GET /next HTTP/1.1");
    service.send(OK);
    assert_eq!(client.read_response("GET").status(), 200);
    assert!(client.pending().is_empty());
}
