//! Why an exchange failed: who is to blame, at which stage, and what follows.
//!
//! Failures carry no prose of a peer's making. They meet the wire in one place, the
//! functions of [`Failure`]: status, RFC 9209 error type, fate of the connection.

use std::fmt;

use crate::message::{Fault, LimitReached, Malformed, Unsupported};
use crate::policy::Denial;
use crate::upstream::{DialError, TlsProblem};

/// The end of an exchange that is not the upstream's whole answer.
pub(crate) enum Failure {
    /// The client's octets are no HTTP.
    ClientMisbehaved(Malformed),
    /// The client asks for what this proxy does not speak.
    ClientUnsupported(Unsupported),
    /// The client's message is larger than a limit.
    LimitReached(LimitReached),
    /// A well-formed request that may not leave.
    Refused(Denial),
    /// Somebody took too long.
    TimedOut(Lapse),
    /// No connection to the service.
    Unreachable(DialError),
    /// The upstream's octets are no HTTP, or not all of it.
    UpstreamMisbehaved(UpstreamFault),
    /// The upstream closed before the first octet of an answer.
    UpstreamGone(UpstreamConnectionAge),
    /// The client closed while its exchange ran.
    ClientGone,
}

/// Which deadline passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lapse {
    /// The client did not complete its request head.
    RequestHead,
    /// The client did not go on with its body.
    RequestBody,
    /// The upstream did not take the request.
    UpstreamRead,
    /// The upstream did not answer.
    ResponseHead,
    /// The client did not take the response.
    ClientRead,
    /// Nothing moved in a tunnel.
    Tunnel,
}

/// What an upstream did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UpstreamFault {
    /// Its octets break the syntax, or a limit.
    Message(Fault),
    /// It closed before its message was complete.
    Truncated,
    /// It switched protocols although nobody had asked it to.
    UnaskedUpgrade,
    /// It sent interim responses without end.
    InterimFlood,
}

/// Whether a connection had carried an exchange before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UpstreamConnectionAge {
    /// Dialled for this exchange.
    Fresh,
    /// Taken from the pool: it may have died of old age.
    Reused,
}

/// What becomes of the client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It goes on if the request was read to its end.
    Keep,
    /// It ends with this exchange.
    Close,
}

impl Failure {
    /// The status of the answer, if one can still be given; `None` where nobody is there
    /// to read it, or it could not be told from the upstream's.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Failure::ClientMisbehaved(_) => Some(400),
            Failure::ClientUnsupported(Unsupported::Version) => Some(505),
            Failure::ClientUnsupported(Unsupported::TransferCoding) => Some(501),
            Failure::LimitReached(limit) => Some(limit_status(*limit)),
            Failure::Refused(denial) => Some(denial_status(denial)),
            Failure::TimedOut(Lapse::RequestHead | Lapse::RequestBody) => Some(408),
            Failure::TimedOut(Lapse::UpstreamRead | Lapse::ResponseHead) => Some(504),
            Failure::TimedOut(Lapse::ClientRead | Lapse::Tunnel) | Failure::ClientGone => None,
            Failure::Unreachable(error) if error.is_timeout() => Some(504),
            Failure::Unreachable(_) | Failure::UpstreamMisbehaved(_) | Failure::UpstreamGone(_) => {
                Some(502)
            }
        }
    }

    /// The error type of RFC 9209 §2.3, for `Proxy-Status`, the log and the metrics.
    pub(crate) fn error_type(&self) -> &'static str {
        match self {
            Failure::ClientMisbehaved(_)
            | Failure::ClientUnsupported(_)
            | Failure::LimitReached(_)
            | Failure::TimedOut(Lapse::RequestHead | Lapse::RequestBody) => "http_request_error",
            Failure::Refused(denial) => denial_error_type(denial),
            Failure::TimedOut(Lapse::UpstreamRead) => "connection_write_timeout",
            Failure::TimedOut(Lapse::ResponseHead) => "http_response_timeout",
            Failure::TimedOut(Lapse::ClientRead) => "client_read_timeout",
            Failure::TimedOut(Lapse::Tunnel) => "tunnel_timeout",
            Failure::Unreachable(error) => error.error_type(),
            Failure::UpstreamMisbehaved(fault) => fault.error_type(),
            Failure::UpstreamGone(_) => "connection_terminated",
            Failure::ClientGone => "client_gone",
        }
    }

    /// What becomes of the client's connection after the answer.
    pub(crate) fn fate(&self) -> Fate {
        match self {
            // What a client sends behind it is meant for a tunnel that is not there.
            Failure::Refused(Denial::Connect) => Fate::Close,
            Failure::Refused(_) | Failure::Unreachable(_) | Failure::UpstreamGone(_) => Fate::Keep,
            Failure::UpstreamMisbehaved(_) => Fate::Keep,
            Failure::ClientMisbehaved(_)
            | Failure::ClientUnsupported(_)
            | Failure::LimitReached(_)
            | Failure::TimedOut(_)
            | Failure::ClientGone => Fate::Close,
        }
    }

    /// Whether the same request would meet the same answer: the SDKs are told not to
    /// try again (`x-should-retry: false`).
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Failure::ClientMisbehaved(_)
            | Failure::ClientUnsupported(_)
            | Failure::LimitReached(_)
            | Failure::Refused(_) => true,
            Failure::Unreachable(error) => is_misconfiguration(error),
            Failure::TimedOut(_)
            | Failure::UpstreamMisbehaved(_)
            | Failure::UpstreamGone(_)
            | Failure::ClientGone => false,
        }
    }

    /// Whether the operator wants to hear of it at `--log error`: everything that is not
    /// the agent's own doing.
    pub(crate) fn concerns_operator(&self) -> bool {
        match self {
            Failure::Refused(Denial::CredentialUnset { .. } | Denial::Loop) => true,
            Failure::TimedOut(Lapse::UpstreamRead | Lapse::ResponseHead)
            | Failure::Unreachable(_)
            | Failure::UpstreamMisbehaved(_)
            | Failure::UpstreamGone(_) => true,
            Failure::Refused(_)
            | Failure::TimedOut(_)
            | Failure::ClientMisbehaved(_)
            | Failure::ClientUnsupported(_)
            | Failure::LimitReached(_)
            | Failure::ClientGone => false,
        }
    }
}

/// Whether only the operator can mend it: until then every try ends alike.
fn is_misconfiguration(error: &DialError) -> bool {
    match error {
        DialError::Tls { problem, .. } => match problem {
            TlsProblem::NoTrustedRoots
            | TlsProblem::HostName
            | TlsProblem::WrongName
            | TlsProblem::Expired { .. }
            | TlsProblem::NotYetValid { .. }
            | TlsProblem::UntrustedAuthority
            | TlsProblem::Revoked
            | TlsProblem::Certificate(_) => true,
            TlsProblem::Alert(_)
            | TlsProblem::Protocol(_)
            | TlsProblem::Closed
            | TlsProblem::Connection(_) => false,
        },
        DialError::ProxyRefused { status, .. } => (400..500).contains(status),
        DialError::Resolve { .. }
        | DialError::Connect { .. }
        | DialError::TimedOut { .. }
        | DialError::Tunnel { .. } => false,
    }
}

fn limit_status(limit: LimitReached) -> u16 {
    match limit {
        LimitReached::RequestLine => 414,
        LimitReached::HeadOctets | LimitReached::FieldLines | LimitReached::ConnectionOptions => {
            431
        }
        LimitReached::ChunkLine
        | LimitReached::ChunkExtensions
        | LimitReached::TrailerOctets
        | LimitReached::TrailerLines => 400,
    }
}

fn denial_status(denial: &Denial) -> u16 {
    match denial {
        Denial::Path(_) | Denial::PathField | Denial::Overrides | Denial::Query { .. } => 400,
        Denial::Push { .. } | Denial::Rule { .. } => 403,
        Denial::NoRoute => 404,
        Denial::Trace { .. } | Denial::Method { .. } => 405,
        Denial::Expectation => 417,
        Denial::Host => 421,
        Denial::CredentialUnset { .. } => 500,
        Denial::Connect => 501,
        Denial::Loop => 508,
    }
}

fn denial_error_type(denial: &Denial) -> &'static str {
    match denial {
        Denial::Path(_) | Denial::Expectation => "http_request_error",
        Denial::NoRoute => "destination_not_found",
        Denial::CredentialUnset { .. } => "proxy_configuration_error",
        Denial::Loop => "proxy_loop_detected",
        Denial::PathField
        | Denial::Overrides
        | Denial::Query { .. }
        | Denial::Push { .. }
        | Denial::Rule { .. }
        | Denial::Trace { .. }
        | Denial::Method { .. }
        | Denial::Host
        | Denial::Connect => "http_request_denied",
    }
}

impl UpstreamFault {
    fn error_type(self) -> &'static str {
        match self {
            UpstreamFault::Message(Fault::Unsupported(Unsupported::TransferCoding)) => {
                "http_response_transfer_coding"
            }
            UpstreamFault::Message(Fault::Limit(LimitReached::HeadOctets)) => {
                "http_response_header_section_size"
            }
            UpstreamFault::Message(_) | UpstreamFault::InterimFlood => "http_protocol_error",
            UpstreamFault::Truncated => "http_response_incomplete",
            UpstreamFault::UnaskedUpgrade => "http_upgrade_failed",
        }
    }
}

impl From<Fault> for Failure {
    /// A fault in what the client sent.
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Malformed(malformed) => Failure::ClientMisbehaved(malformed),
            Fault::Unsupported(unsupported) => Failure::ClientUnsupported(unsupported),
            Fault::Limit(limit) => Failure::LimitReached(limit),
        }
    }
}

impl From<Denial> for Failure {
    fn from(denial: Denial) -> Self {
        Failure::Refused(denial)
    }
}

impl fmt::Display for Failure {
    /// One short sentence: what was wrong and what to do.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::ClientMisbehaved(fault) => write!(out, "bad request: {fault}"),
            Failure::ClientUnsupported(fault) => write!(out, "not supported: {fault}"),
            Failure::LimitReached(limit) => write!(out, "too large: {limit}"),
            Failure::Refused(denial) => denial.fmt(out),
            Failure::TimedOut(lapse) => lapse.fmt(out),
            Failure::Unreachable(error) => error.fmt(out),
            Failure::UpstreamMisbehaved(fault) => fault.fmt(out),
            Failure::UpstreamGone(_) => out.write_str(
                "the upstream closed the connection before it answered: send the request again if that is safe",
            ),
            Failure::ClientGone => out.write_str("the client closed the connection"),
        }
    }
}

impl fmt::Display for Lapse {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Lapse::RequestHead => "the request head was not complete in time: send it at once",
            Lapse::RequestBody => "the request body stopped coming: send the request again",
            Lapse::UpstreamRead => "the upstream stopped reading the request: try again later",
            Lapse::ResponseHead => "the upstream did not answer in time: try again later",
            Lapse::ClientRead => "the client stopped reading the response",
            Lapse::Tunnel => "nothing moved in the tunnel",
        })
    }
}

impl fmt::Display for UpstreamFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UpstreamFault::Message(fault) => {
                write!(out, "the upstream's answer is not valid HTTP/1.1: {fault}")
            }
            UpstreamFault::Truncated => {
                out.write_str("the upstream closed the connection in the middle of its answer")
            }
            UpstreamFault::UnaskedUpgrade => {
                out.write_str("the upstream switched protocols although nobody asked it to")
            }
            UpstreamFault::InterimFlood => {
                out.write_str("the upstream sent interim responses without end")
            }
        }
    }
}
