//! Conversations between in-memory pipes: what reaches whom, and every deadline on a
//! clock that stands still.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Duration, Instant};

use super::conversation::Ending;
use super::testing::{Asked, HEAD, converse};
use crate::error::{Failure, Lapse, UpstreamConnectionAge, UpstreamFault};
use crate::limits::Limits;
use crate::message::{RequestFraming, Version};

/// Pipes small enough to fill.
const PIPE_OCTETS: usize = 64;

struct Ends {
    client: DuplexStream,
    service: DuplexStream,
}

/// Runs a conversation against `play`, which has the far ends.
async fn play<F: Future<Output = ()>>(
    asked: Asked,
    play: impl FnOnce(Ends) -> F,
) -> Result<Ending, Failure> {
    let (client, near_client) = duplex(PIPE_OCTETS);
    let (service, mut near_service) = duplex(PIPE_OCTETS);
    let limits = Limits::default();
    let (ended, ()) = tokio::join!(
        async {
            let ended = converse(&asked, near_client, &mut near_service, &limits).await;
            drop(near_service);
            ended
        },
        play(Ends { client, service }),
    );
    ended
}

async fn read(stream: &mut DuplexStream, expected: &[u8]) {
    let mut octets = vec![0; expected.len()];
    stream.read_exact(&mut octets).await.expect("octets");
    assert_eq!(
        String::from_utf8_lossy(&octets),
        String::from_utf8_lossy(expected)
    );
}

async fn read_head(stream: &mut DuplexStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a head"));
    }
    String::from_utf8(head).expect("text")
}

fn lapse(ended: Result<Ending, Failure>) -> Lapse {
    match ended {
        Err(Failure::TimedOut(lapse)) => lapse,
        Err(other) => panic!("not a deadline: {other}"),
        Ok(_) => panic!("not a deadline: it ended well"),
    }
}

const HOUR: Duration = Duration::from_secs(3600);

/// Runs a conversation whose far ends `play` holds for ever, and says when it ended.
async fn lapses_after<F: Future<Output = ()>>(
    asked: Asked,
    before: impl FnOnce(DuplexStream, DuplexStream) -> F,
) -> (Lapse, Duration) {
    let (client, near_client) = duplex(PIPE_OCTETS);
    let (service, mut near_service) = duplex(PIPE_OCTETS);
    let limits = Limits::default();
    let start = Instant::now();
    let far_ends = before(client, service);
    tokio::select! {
        biased;
        ended = converse(&asked, near_client, &mut near_service, &limits) => (lapse(ended), start.elapsed()),
        () = async { far_ends.await; std::future::pending().await } => unreachable!("it waits for ever"),
    }
}

/// Keeps a pipe open.
async fn hold(ends: impl Sized) {
    std::future::pending::<()>().await;
    drop(ends);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_does_not_answer_is_given_up_after_its_time() {
    let (lapse, after) = lapses_after(Asked::get(), |client, mut service| async move {
        read(&mut service, HEAD).await;
        hold((client, service)).await;
    })
    .await;
    assert_eq!((lapse, after.as_secs()), (Lapse::ResponseHead, 300));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_coming_is_given_up_after_its_time() {
    let asked = Asked::post(RequestFraming::ContentLength(10));
    let (lapse, after) = lapses_after(asked, |mut client, mut service| async move {
        read(&mut service, HEAD).await;
        tokio::time::sleep(Duration::from_secs(50)).await;
        client.write_all(b"12345").await.expect("room");
        read(&mut service, b"12345").await;
        hold((client, service)).await;
    })
    .await;
    assert_eq!((lapse, after.as_secs()), (Lapse::RequestBody, 50 + 60));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_for_a_100_is_not_late_but_the_upstream_is() {
    let asked = Asked {
        expects_continue: true,
        ..Asked::post(RequestFraming::ContentLength(10))
    };
    let (lapse, after) = lapses_after(asked, |client, mut service| async move {
        read(&mut service, HEAD).await;
        hold((client, service)).await;
    })
    .await;
    assert_eq!((lapse, after.as_secs()), (Lapse::ResponseHead, 300));
}

#[tokio::test(start_paused = true)]
async fn after_the_100_the_body_is_awaited_as_any_other() {
    let asked = Asked {
        expects_continue: true,
        ..Asked::post(RequestFraming::ContentLength(10))
    };
    let (lapse, after) = lapses_after(asked, |mut client, mut service| async move {
        read(&mut service, HEAD).await;
        service
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
            .await
            .expect("room");
        read(&mut client, b"HTTP/1.1 100 Continue\r\n\r\n").await;
        hold((client, service)).await;
    })
    .await;
    assert_eq!((lapse, after.as_secs()), (Lapse::RequestBody, 60));
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_reads_nothing_is_given_up_after_its_time() {
    let asked = Asked::post(RequestFraming::ContentLength(1000));
    let (lapse, after) = lapses_after(asked, |mut client, service| async move {
        // More than the pipe to the service holds.
        let _ = client.write_all(&[b'x'; 1000]).await;
        hold((client, service)).await;
    })
    .await;
    assert_eq!((lapse, after.as_secs()), (Lapse::UpstreamRead, 60));
}

#[tokio::test(start_paused = true)]
async fn what_comes_before_the_request_has_left_is_no_answer_to_it() {
    let (_client, near_client) = duplex(PIPE_OCTETS);
    let (mut service, mut near_service) = duplex(PIPE_OCTETS);
    service
        .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
        .await
        .expect("room");
    near_service
        .write_all(&[b'x'; PIPE_OCTETS])
        .await
        .expect("as much as fits");
    let limits = Limits::default();
    let ended = converse(&Asked::get(), near_client, &mut near_service, &limits).await;
    assert_eq!(lapse(ended), Lapse::UpstreamRead);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_is_given_up_after_its_time() {
    let (lapse, after) = lapses_after(Asked::get(), |client, mut service| async move {
        read(&mut service, HEAD).await;
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n";
        let _ = service.write_all(head).await;
        let _ = service.write_all(&[b'x'; 9999]).await;
        hold((client, service)).await;
    })
    .await;
    assert_eq!((lapse, after.as_secs()), (Lapse::ClientRead, 300));
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_be_silent_for_hours() {
    let ended = play(Asked::get(), |mut ends| async move {
        read(&mut ends.service, HEAD).await;
        ends.service
            .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await
            .expect("room");
        let head = read_head(&mut ends.client).await;
        assert!(head.contains("Transfer-Encoding: chunked\r\n"));
        tokio::time::sleep(HOUR * 5).await;
        ends.service
            .write_all(b"1;ext=1\r\nx\r\n")
            .await
            .expect("room");
        read(&mut ends.client, b"1\r\nx\r\n").await;
        ends.service
            .write_all(b"0\r\nTrailer: x\r\n\r\n")
            .await
            .expect("room");
        read(&mut ends.client, b"0\r\n\r\n").await;
    })
    .await;
    assert!(matches!(
        ended,
        Ok(Ending::Complete {
            request_complete: true
        })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_answered_early_is_not_complete() {
    let asked = Asked::post(RequestFraming::ContentLength(1000));
    let ended = play(asked, |mut ends| async move {
        read(&mut ends.service, HEAD).await;
        let answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno";
        ends.service.write_all(answer).await.expect("room");
        let head = read_head(&mut ends.client).await;
        assert!(head.contains("Connection: close\r\n"), "{head}");
        read(&mut ends.client, b"no").await;
    })
    .await;
    assert!(matches!(
        ended,
        Ok(Ending::Complete {
            request_complete: false
        })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_closes_ends_the_exchange_at_once() {
    let ended = play(Asked::get(), |mut ends| async move {
        read(&mut ends.service, HEAD).await;
        drop(ends.client);
        let mut rest = Vec::new();
        ends.service.read_to_end(&mut rest).await.expect("an end");
        assert_eq!(rest, b"");
    })
    .await;
    assert!(matches!(ended, Err(Failure::ClientGone)));
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_closes_is_told_apart_by_what_it_had_sent() {
    let gone = Failure::UpstreamGone(UpstreamConnectionAge::Fresh);
    let cut = Failure::UpstreamMisbehaved(UpstreamFault::Truncated);
    for (sent, expected) in [
        ("", gone),
        ("HTTP/1.1 200", cut),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
            Failure::UpstreamMisbehaved(UpstreamFault::Truncated),
        ),
    ] {
        let ended = play(Asked::get(), |mut ends| async move {
            read(&mut ends.service, HEAD).await;
            ends.service.write_all(sent.as_bytes()).await.expect("room");
            drop(ends.service);
            let mut rest = Vec::new();
            let _ = ends.client.read_to_end(&mut rest).await;
        })
        .await;
        let Err(failure) = ended else {
            panic!("{sent:?} is no whole answer")
        };
        assert_eq!(failure.to_string(), expected.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn interim_responses_have_an_end() {
    let flood = |count: usize| {
        play(
            Asked {
                version: Version::Http10,
                ..Asked::get()
            },
            move |mut ends| async move {
                read(&mut ends.service, HEAD).await;
                for _ in 0..count {
                    let _ = ends.service.write_all(b"HTTP/1.1 102 P\r\n\r\n").await;
                }
                let _ = ends
                    .service
                    .write_all(b"HTTP/1.1 204 N\r\nDate: d\r\n\r\n")
                    .await;
                let mut rest = Vec::new();
                let _ = ends.client.read_to_end(&mut rest).await;
            },
        )
    };
    let bound = Limits::default().interim_responses;
    assert!(flood(bound).await.is_ok());
    assert!(matches!(
        flood(bound + 1).await,
        Err(Failure::UpstreamMisbehaved(UpstreamFault::InterimFlood))
    ));
}

#[tokio::test(start_paused = true)]
async fn nobody_switches_protocols_unasked() {
    for (upgrade, answer, switched) in [
        (Some(&b"websocket"[..]), "WebSocket", true),
        (Some(b"websocket"), "h2c", false),
        (None, "websocket", false),
    ] {
        let asked = Asked {
            upgrade,
            ..Asked::get()
        };
        let ended = play(asked, |mut ends| async move {
            read(&mut ends.service, HEAD).await;
            let head = format!("HTTP/1.1 101 S\r\nUpgrade: {answer}\r\n\r\n");
            ends.service.write_all(head.as_bytes()).await.expect("room");
            let mut rest = Vec::new();
            let _ = ends.client.read_to_end(&mut rest).await;
        })
        .await;
        match ended {
            Ok(Ending::Tunnel) => assert!(switched),
            Err(Failure::UpstreamMisbehaved(UpstreamFault::UnaskedUpgrade)) => assert!(!switched),
            Ok(Ending::Complete { .. }) | Err(_) => panic!("{answer}"),
        }
    }
}
