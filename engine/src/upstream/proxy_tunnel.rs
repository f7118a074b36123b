//! A tunnel through the operator's own proxy: `CONNECT`, RFC 9110 §9.3.6.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

use super::dial_error::TunnelProblem;
use crate::limits::Limits;
use crate::message::field::HeadStorage;
use crate::message::head_scan::{HeadLimits, HeadScan};
use crate::message::response_head::ResponseHead;
use crate::policy::Secret;

/// What the proxy decided.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum TunnelAnswer {
    /// From the next octet on it is the service that speaks.
    Open,
    /// This status says why not.
    Refused(u16),
}

/// Room for a request with a credential: a buffer that had to grow would leave a copy
/// of it behind, unwiped.
const REQUEST_OCTETS: usize = 4096;

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
    let mut request = Zeroizing::new(Vec::with_capacity(REQUEST_OCTETS));
    for part in ["CONNECT ", target, " HTTP/1.1\r\nHost: ", target, "\r\n"] {
        request.extend_from_slice(part.as_bytes());
    }
    if let Some(authorization) = authorization {
        request.extend_from_slice(b"Proxy-Authorization: ");
        authorization.write_into(&mut request);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
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
