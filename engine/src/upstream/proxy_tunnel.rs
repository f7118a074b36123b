//! A tunnel through the operator's own proxy: `CONNECT`, RFC 9110 §9.3.6.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

use super::dial_error::TunnelProblem;
use crate::limits::Limits;
use crate::message::{HeadLimits, HeadScan, HeadStorage, ResponseHead};
use crate::policy::Secret;

/// What the proxy decided.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum TunnelAnswer {
    /// From the next octet on it is the service that speaks.
    Open,
    /// This status says why not.
    Refused(u16),
}

/// Asks for a tunnel to `target` (`host:port`, IPv6 in brackets) and awaits the answer.
/// Deadlines are the caller's.
pub(super) async fn open<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    target: &str,
    authorization: Option<&Secret>,
    limits: &Limits,
) -> Result<TunnelAnswer, TunnelProblem> {
    let request = request(target, authorization);
    let sent = stream.write_all(&request).await;
    drop(request);
    sent.map_err(TunnelProblem::Connection)?;

    let mut unread = Vec::new();
    for _interim in 0..=limits.interim_responses {
        let head = next_head(stream, &mut unread, &HeadLimits::response(limits)).await?;
        let status = head.status();
        // 101 is no interim answer here: it ends HTTP for an upgrade nobody asked for.
        if status.is_interim() && status.as_u16() != 101 {
            continue;
        }
        if status.class() != 2 {
            return Ok(TunnelAnswer::Refused(status.as_u16()));
        }
        // Whatever a 2xx says of Content-Length or Transfer-Encoding is ignored, as
        // §9.3.6 demands: the tunnel starts at the empty line. There, the service
        // cannot have spoken yet, for a TLS client speaks first.
        return if unread.is_empty() {
            Ok(TunnelAnswer::Open)
        } else {
            Err(TunnelProblem::EarlyOctets)
        };
    }
    Err(TunnelProblem::InterimResponses)
}

fn request(target: &str, authorization: Option<&Secret>) -> Zeroizing<Vec<u8>> {
    let line = ["CONNECT ", target, " HTTP/1.1\r\nHost: ", target, "\r\n"];
    let field = "Proxy-Authorization: ";
    let end = "\r\n";
    // All the room at once: a buffer that grows leaves an unwiped copy of the credential behind.
    let octets = line.iter().map(|part| part.len()).sum::<usize>()
        + authorization.map_or(0, |value| field.len() + value.len() + end.len())
        + end.len();
    let mut request = Zeroizing::new(Vec::with_capacity(octets));
    for part in line {
        request.extend_from_slice(part.as_bytes());
    }
    if let Some(value) = authorization {
        request.extend_from_slice(field.as_bytes());
        value.write_into(&mut request);
        request.extend_from_slice(end.as_bytes());
    }
    request.extend_from_slice(end.as_bytes());
    debug_assert_eq!(request.len(), octets);
    request
}

/// One whole head; what came behind it stays in `unread`.
async fn next_head<S: AsyncRead + Unpin>(
    stream: &mut S,
    unread: &mut Vec<u8>,
    limits: &HeadLimits,
) -> Result<ResponseHead, TunnelProblem> {
    let mut scan = HeadScan::default();
    loop {
        if let Some(length) = scan.scan(unread, limits).map_err(TunnelProblem::Answer)? {
            let rest = unread.split_off(length);
            let storage = HeadStorage {
                block: std::mem::replace(unread, rest),
                ..HeadStorage::default()
            };
            return ResponseHead::parse(storage).map_err(TunnelProblem::Answer);
        }
        let read = stream.read_buf(unread).await;
        if read.map_err(TunnelProblem::Connection)? == 0 {
            return Err(TunnelProblem::Closed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::duplex;

    fn small() -> Limits {
        Limits {
            response_head_octets: 256,
            interim_responses: 2,
            ..Limits::default()
        }
    }

    /// What comes of a proxy that sends `answer`, `at_once` octets at a time, and hangs up.
    async fn answered(answer: &[u8], at_once: usize) -> Result<TunnelAnswer, TunnelProblem> {
        let (mut ours, mut theirs) = duplex(at_once);
        let proxy = async {
            let mut request = vec![0; request("api.test:443", None).len()];
            theirs.read_exact(&mut request).await.unwrap();
            // The other side may have seen enough before all is written.
            let _unread = theirs.write_all(answer).await;
            drop(theirs);
        };
        let ours = async {
            let opened = open(&mut ours, "api.test:443", None, &small()).await;
            drop(ours);
            opened
        };
        tokio::join!(ours, proxy).0
    }

    #[tokio::test]
    async fn an_answer_is_understood_however_it_is_split() {
        let rows: [(&str, TunnelAnswer); 9] = [
            ("HTTP/1.1 200 OK\r\n\r\n", TunnelAnswer::Open),
            (
                "HTTP/1.0 200 Connection established\r\n\r\n",
                TunnelAnswer::Open,
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
                TunnelAnswer::Open,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                TunnelAnswer::Open,
            ),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
                TunnelAnswer::Open,
            ),
            (
                "HTTP/1.1 407 Who?\r\nContent-Length: 4\r\n\r\nWho?",
                TunnelAnswer::Refused(407),
            ),
            ("HTTP/1.1 403 No\r\n\r\n", TunnelAnswer::Refused(403)),
            (
                "HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n",
                TunnelAnswer::Refused(302),
            ),
            (
                "HTTP/1.1 101 Switching Protocols\r\n\r\n",
                TunnelAnswer::Refused(101),
            ),
        ];
        for (octets, expected) in rows {
            for at_once in [1, 2, 7, 4096] {
                let got = answered(octets.as_bytes(), at_once).await;
                assert_eq!(got.unwrap(), expected, "{octets:?} by {at_once}");
            }
        }
    }

    #[tokio::test]
    async fn junk_is_never_taken_for_an_answer() {
        let rows = [
            "SSH-2.0-OpenSSH_9.6\r\n\r\n",
            "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n",
            "HTTP/1.1 200 OK\n\n",
            "HTTP/2 200 OK\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nName : value\r\n\r\n",
            "HTTP/1.1 200 OK\r\nName: a\r\n folded\r\n\r\n",
        ];
        for octets in rows {
            for at_once in [1, 4096] {
                let got = answered(octets.as_bytes(), at_once).await;
                assert!(
                    matches!(got, Err(TunnelProblem::Answer(_))),
                    "{octets:?}: {got:?}"
                );
            }
        }
    }

    #[tokio::test]
    async fn a_proxy_that_hangs_up_has_not_answered() {
        for octets in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n"] {
            let got = answered(octets.as_bytes(), 4096).await;
            assert!(
                matches!(got, Err(TunnelProblem::Closed)),
                "{octets:?}: {got:?}"
            );
        }
    }

    #[tokio::test]
    async fn octets_behind_the_answer_are_an_error() {
        let got = answered(b"HTTP/1.1 200 OK\r\n\r\n\x15", 4096).await;
        assert!(matches!(got, Err(TunnelProblem::EarlyOctets)), "{got:?}");
    }

    #[tokio::test]
    async fn interim_answers_are_skipped_up_to_the_bound() {
        let interim = "HTTP/1.1 102 Processing\r\n\r\n";
        let last = "HTTP/1.1 200 OK\r\n\r\n";
        let at_bound = answered(format!("{interim}{interim}{last}").as_bytes(), 4096).await;
        assert_eq!(at_bound.unwrap(), TunnelAnswer::Open);
        let past = answered(
            format!("{interim}{interim}{interim}{last}").as_bytes(),
            4096,
        )
        .await;
        assert!(
            matches!(past, Err(TunnelProblem::InterimResponses)),
            "{past:?}"
        );
    }

    #[tokio::test]
    async fn the_head_is_read_up_to_the_bound() {
        let head = |octets: usize| {
            let frame = "HTTP/1.1 200 OK\r\nx: \r\n\r\n".len();
            format!(
                "HTTP/1.1 200 OK\r\nx: {}\r\n\r\n",
                "y".repeat(octets - frame)
            )
        };
        for at_once in [1, 4096] {
            let at_bound = answered(head(256).as_bytes(), at_once).await;
            assert_eq!(at_bound.unwrap(), TunnelAnswer::Open);
            let past = answered(head(257).as_bytes(), at_once).await;
            assert!(matches!(past, Err(TunnelProblem::Answer(_))), "{past:?}");
        }
    }

    #[test]
    fn the_request_names_the_target_twice_and_the_credential_once() {
        assert_eq!(
            request("[2001:db8::1]:443", None).as_slice(),
            b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n"
        );
        let authorization = Secret::new(b"Basic dTpw".to_vec());
        assert_eq!(
            request("api.test:443", Some(&authorization)).as_slice(),
            b"CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n"
        );
    }
}
