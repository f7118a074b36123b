//! Why an upstream could not be reached: one short sentence each, for the answer
//! and the log, and the word RFC 9209 has for it. None can hold a credential.

use std::time::SystemTime;
use std::{fmt, io};

use rustix::io::Errno;
use tokio_rustls::rustls::{AlertDescription, CertificateError, Error as RustlsError};

use crate::message::Fault;

/// Why [`Connector::dial`](super::Connector::dial) has no stream to give.
///
/// `peer` is what a sentence calls it: `api.github.com:443`, or `the proxy squid:3128`.
#[derive(Debug)]
pub enum DialError {
    /// The name has no address, or the resolver failed.
    Resolve {
        /// Whose address was asked for.
        peer: String,
        /// What the resolver said; none if it answered with no address at all.
        reason: Option<io::Error>,
    },
    /// None of its addresses took the connection.
    Connect {
        /// Who was called.
        peer: String,
        /// What the most telling of its addresses said.
        problem: ConnectProblem,
    },
    /// A deadline passed (504).
    TimedOut {
        /// Who was waited for.
        peer: String,
        /// What it was doing.
        step: DialStep,
    },
    /// The proxy answered CONNECT with something other than 2xx.
    ProxyRefused {
        /// The proxy.
        peer: String,
        /// Its status code.
        status: u16,
    },
    /// The proxy did not answer CONNECT as RFC 9110 §9.3.6 says.
    Tunnel {
        /// The proxy.
        peer: String,
        /// What it did instead.
        problem: TunnelProblem,
    },
    /// No TLS session came about.
    Tls {
        /// The host whose certificate was asked for.
        host: String,
        /// Why not.
        problem: TlsProblem,
    },
}

/// Why an address did not take a connection.
#[derive(Debug)]
pub enum ConnectProblem {
    /// Nothing listens there.
    Refused,
    /// No way leads there: another address may still do.
    Unroutable,
    /// Anything else the kernel says.
    Other(io::Error),
}

/// What was under way when a deadline passed.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum DialStep {
    /// Waiting for the resolver.
    Resolve,
    /// Waiting for the connection.
    Connect,
    /// Waiting for the proxy's answer to CONNECT.
    Tunnel,
    /// Waiting for the TLS handshake.
    Handshake,
}

/// How a proxy broke the opening of a tunnel.
#[derive(Debug)]
pub enum TunnelProblem {
    /// The connection to it failed.
    Connection(io::Error),
    /// It hung up before the end of an answer.
    Closed,
    /// Its answer was not understood.
    Answer(Fault),
    /// It sent interim answers without end.
    InterimResponses,
    /// It sent octets that nobody had asked for, right behind its answer.
    EarlyOctets,
}

/// Why there is no TLS session.
#[derive(Debug)]
pub enum TlsProblem {
    /// No authority is trusted here at all.
    NoTrustedRoots,
    /// The host of the upstream is nothing a certificate could be for.
    HostName,
    /// The certificate does not name the host.
    WrongName,
    /// The certificate was valid once.
    Expired {
        /// Until when.
        not_after: Option<SystemTime>,
    },
    /// The certificate will be valid later.
    NotYetValid {
        /// From when on.
        not_before: Option<SystemTime>,
    },
    /// Nobody trusted here has signed the certificate.
    UntrustedAuthority,
    /// Its authority took the certificate back.
    Revoked,
    /// The certificate is wrong in another way.
    Certificate(CertificateError),
    /// The upstream ended the handshake with an alert.
    Alert(AlertDescription),
    /// The two sides did not agree, or the upstream does not speak TLS.
    Protocol(RustlsError),
    /// The upstream hung up in the middle.
    Closed,
    /// The connection failed in the middle.
    Connection(io::Error),
}

impl DialError {
    /// Whether a deadline passed: 504, all others are 502.
    pub fn is_timeout(&self) -> bool {
        matches!(self, DialError::TimedOut { .. })
    }

    /// Whether the process, or the machine, has no descriptor left.
    pub(super) fn is_out_of_descriptors(&self) -> bool {
        let error = match self {
            DialError::Resolve { reason, .. } => reason.as_ref(),
            DialError::Connect {
                problem: ConnectProblem::Other(error),
                ..
            } => Some(error),
            DialError::Connect { .. }
            | DialError::TimedOut { .. }
            | DialError::ProxyRefused { .. }
            | DialError::Tunnel { .. }
            | DialError::Tls { .. } => None,
        };
        error
            .and_then(Errno::from_io_error)
            .is_some_and(|errno| errno == Errno::MFILE || errno == Errno::NFILE)
    }

    /// The error type for `Proxy-Status` and the log (RFC 9209 §2.3).
    pub fn error_type(&self) -> &'static str {
        match self {
            DialError::Resolve { .. } => "dns_error",
            DialError::Connect { problem, .. } => problem.error_type(),
            DialError::TimedOut { step, .. } => step.error_type(),
            // 407: what HTTPS_PROXY says of our identity is missing or wrong.
            DialError::ProxyRefused { status: 407, .. } => "proxy_configuration_error",
            DialError::ProxyRefused {
                status: 400..=499, ..
            } => "http_request_denied",
            DialError::ProxyRefused { .. } => "destination_unavailable",
            DialError::Tunnel { problem, .. } => problem.error_type(),
            DialError::Tls { problem, .. } => problem.error_type(),
        }
    }
}

impl ConnectProblem {
    fn error_type(&self) -> &'static str {
        match self {
            ConnectProblem::Refused => "connection_refused",
            ConnectProblem::Unroutable => "destination_ip_unroutable",
            ConnectProblem::Other(_) => "destination_unavailable",
        }
    }
}

impl From<io::Error> for ConnectProblem {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as Kind;
        let kind = error.kind();
        if kind == Kind::ConnectionRefused {
            ConnectProblem::Refused
        } else if [
            Kind::NetworkUnreachable,
            Kind::HostUnreachable,
            Kind::AddrNotAvailable,
        ]
        .contains(&kind)
        {
            ConnectProblem::Unroutable
        } else {
            ConnectProblem::Other(error)
        }
    }
}

impl DialStep {
    fn error_type(self) -> &'static str {
        match self {
            DialStep::Resolve => "dns_timeout",
            // RFC 9209 §2.3.8: "the attempt to open a connection to the next hop",
            // of which tunnel and handshake are parts.
            DialStep::Connect | DialStep::Tunnel | DialStep::Handshake => "connection_timeout",
        }
    }
}

impl TunnelProblem {
    fn error_type(&self) -> &'static str {
        match self {
            TunnelProblem::Connection(_) | TunnelProblem::Closed => "connection_terminated",
            TunnelProblem::Answer(_)
            | TunnelProblem::InterimResponses
            | TunnelProblem::EarlyOctets => "http_protocol_error",
        }
    }
}

impl TlsProblem {
    fn error_type(&self) -> &'static str {
        match self {
            TlsProblem::NoTrustedRoots | TlsProblem::HostName => "proxy_configuration_error",
            TlsProblem::WrongName
            | TlsProblem::Expired { .. }
            | TlsProblem::NotYetValid { .. }
            | TlsProblem::UntrustedAuthority
            | TlsProblem::Revoked
            | TlsProblem::Certificate(_) => "tls_certificate_error",
            TlsProblem::Alert(_) => "tls_alert_received",
            TlsProblem::Protocol(_) => "tls_protocol_error",
            TlsProblem::Closed | TlsProblem::Connection(_) => "connection_terminated",
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DialError::Resolve { peer, reason: None } => write!(f, "no address found for {peer}"),
            DialError::Resolve {
                peer,
                reason: Some(reason),
            } => {
                write!(f, "no address found for {peer}: {reason}")
            }
            DialError::Connect { peer, problem } => {
                write!(f, "connecting to {peer} failed: {problem}")
            }
            DialError::TimedOut { peer, step } => match step {
                DialStep::Resolve => write!(f, "the resolver took too long to find {peer}"),
                DialStep::Connect => write!(f, "connecting to {peer} took too long"),
                DialStep::Tunnel => write!(f, "{peer} took too long to answer CONNECT"),
                DialStep::Handshake => write!(f, "the TLS handshake with {peer} took too long"),
            },
            DialError::ProxyRefused { peer, status } => {
                write!(f, "{peer} refused CONNECT with status {status}")
            }
            DialError::Tunnel { peer, problem } => match problem {
                TunnelProblem::Connection(error) => {
                    write!(f, "the connection to {peer} failed: {error}")
                }
                TunnelProblem::Closed => write!(f, "{peer} hung up instead of answering CONNECT"),
                TunnelProblem::Answer(fault) => {
                    write!(
                        f,
                        "{peer} answered CONNECT in a way that was not understood: {fault}"
                    )
                }
                TunnelProblem::InterimResponses => {
                    write!(f, "{peer} answers CONNECT with interim responses only")
                }
                TunnelProblem::EarlyOctets => {
                    write!(
                        f,
                        "{peer} sent octets through the tunnel before anything was asked"
                    )
                }
            },
            DialError::Tls { host, problem } => problem.tell(host, f),
        }
    }
}

impl std::error::Error for DialError {}

impl fmt::Display for ConnectProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectProblem::Refused => f.write_str("connection refused"),
            ConnectProblem::Unroutable => f.write_str("no network leads there"),
            ConnectProblem::Other(error) => error.fmt(f),
        }
    }
}

impl TlsProblem {
    fn tell(&self, host: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsProblem::NoTrustedRoots => write!(
                f,
                "no trusted roots were found to verify {host} with; set SSL_CERT_FILE or SSL_CERT_DIR"
            ),
            TlsProblem::HostName => write!(f, "no certificate can be for the host {host}"),
            TlsProblem::WrongName => write!(f, "the certificate of {host} is for another name"),
            TlsProblem::Expired { not_after } => {
                write!(f, "the certificate of {host} has expired")?;
                tell_date("notAfter", *not_after, f)
            }
            TlsProblem::NotYetValid { not_before } => {
                write!(f, "the certificate of {host} is not yet valid")?;
                tell_date("notBefore", *not_before, f)
            }
            TlsProblem::UntrustedAuthority => write!(
                f,
                "the certificate of {host} is signed by an authority that is not trusted here; add it with SSL_CERT_FILE"
            ),
            TlsProblem::Revoked => write!(f, "the certificate of {host} has been revoked"),
            TlsProblem::Certificate(error) => {
                write!(f, "the certificate of {host} is not acceptable: {error}")
            }
            TlsProblem::Alert(alert) => {
                write!(f, "TLS handshake failed: {host} sent the alert {alert:?}")
            }
            TlsProblem::Protocol(error) => write!(f, "TLS handshake failed: {host}: {error}"),
            TlsProblem::Closed => write!(f, "TLS handshake failed: {host} hung up"),
            TlsProblem::Connection(error) => write!(f, "TLS handshake failed: {host}: {error}"),
        }
    }
}

fn tell_date(field: &str, date: Option<SystemTime>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match date {
        Some(date) => write!(f, " ({field} {})", httpdate::fmt_http_date(date)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn tls(problem: TlsProblem) -> DialError {
        DialError::Tls {
            host: "api.github.com".to_owned(),
            problem,
        }
    }

    fn connect(kind: io::ErrorKind) -> DialError {
        DialError::Connect {
            peer: "api.github.com:443".to_owned(),
            problem: ConnectProblem::from(io::Error::from(kind)),
        }
    }

    fn timed_out(step: DialStep) -> DialError {
        DialError::TimedOut {
            peer: "api.github.com:443".to_owned(),
            step,
        }
    }

    fn refused(status: u16) -> DialError {
        DialError::ProxyRefused {
            peer: "the proxy squid:3128".to_owned(),
            status,
        }
    }

    fn tunnel(problem: TunnelProblem) -> DialError {
        DialError::Tunnel {
            peer: "the proxy squid:3128".to_owned(),
            problem,
        }
    }

    #[test]
    fn each_error_is_a_sentence_and_a_type_of_rfc_9209() {
        let new_year = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_577_836_800));
        let none = DialError::Resolve {
            peer: "nowhere.test:443".to_owned(),
            reason: None,
        };
        #[rustfmt::skip]
        let rows = [
            (none, "no address found for nowhere.test:443", "dns_error"),
            (connect(io::ErrorKind::ConnectionRefused), "connecting to api.github.com:443 failed: connection refused", "connection_refused"),
            (connect(io::ErrorKind::NetworkUnreachable), "connecting to api.github.com:443 failed: no network leads there", "destination_ip_unroutable"),
            (connect(io::ErrorKind::ConnectionReset), "connecting to api.github.com:443 failed: connection reset", "destination_unavailable"),
            (timed_out(DialStep::Resolve), "the resolver took too long to find api.github.com:443", "dns_timeout"),
            (timed_out(DialStep::Connect), "connecting to api.github.com:443 took too long", "connection_timeout"),
            (timed_out(DialStep::Tunnel), "api.github.com:443 took too long to answer CONNECT", "connection_timeout"),
            (timed_out(DialStep::Handshake), "the TLS handshake with api.github.com:443 took too long", "connection_timeout"),
            (refused(407), "the proxy squid:3128 refused CONNECT with status 407", "proxy_configuration_error"),
            (refused(403), "the proxy squid:3128 refused CONNECT with status 403", "http_request_denied"),
            (refused(503), "the proxy squid:3128 refused CONNECT with status 503", "destination_unavailable"),
            (tunnel(TunnelProblem::Closed), "the proxy squid:3128 hung up instead of answering CONNECT", "connection_terminated"),
            (tunnel(TunnelProblem::InterimResponses), "the proxy squid:3128 answers CONNECT with interim responses only", "http_protocol_error"),
            (tunnel(TunnelProblem::EarlyOctets), "the proxy squid:3128 sent octets through the tunnel before anything was asked", "http_protocol_error"),
            (tls(TlsProblem::NoTrustedRoots), "no trusted roots were found to verify api.github.com with; set SSL_CERT_FILE or SSL_CERT_DIR", "proxy_configuration_error"),
            (tls(TlsProblem::WrongName), "the certificate of api.github.com is for another name", "tls_certificate_error"),
            (tls(TlsProblem::Expired { not_after: new_year }), "the certificate of api.github.com has expired (notAfter Wed, 01 Jan 2020 00:00:00 GMT)", "tls_certificate_error"),
            (tls(TlsProblem::NotYetValid { not_before: None }), "the certificate of api.github.com is not yet valid", "tls_certificate_error"),
            (tls(TlsProblem::UntrustedAuthority), "the certificate of api.github.com is signed by an authority that is not trusted here; add it with SSL_CERT_FILE", "tls_certificate_error"),
            (tls(TlsProblem::Revoked), "the certificate of api.github.com has been revoked", "tls_certificate_error"),
            (tls(TlsProblem::Alert(AlertDescription::HandshakeFailure)), "TLS handshake failed: api.github.com sent the alert HandshakeFailure", "tls_alert_received"),
            (tls(TlsProblem::Closed), "TLS handshake failed: api.github.com hung up", "connection_terminated"),
        ];
        for (error, sentence, error_type) in rows {
            assert_eq!(error.to_string(), sentence);
            assert_eq!(error.error_type(), error_type, "{sentence}");
            assert_eq!(
                error.is_timeout(),
                error_type.ends_with("_timeout"),
                "{sentence}"
            );
        }
    }
}
