//! TLS toward a service: who is trusted, and the handshake.
//!
//! There is no way to turn verification off: nothing here makes a verifier.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls_native_certs::CertificateResult;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error as RustlsError, RootCertStore};

use super::dial_error::TlsProblem;

/// Whose signature makes a certificate good.
pub enum Trust {
    /// The authorities of this system, or those that `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` name instead.
    NativeRoots,
    /// These and no others: the demo's throw-away authority, and tests.
    Only(Vec<CertificateDer<'static>>),
}

/// Why there can be no TLS client at all.
#[derive(Debug)]
pub enum TlsSetupError {
    /// A certificate of [`Trust::Only`] is not that of an authority.
    Authority(RustlsError),
    /// The cryptography at hand has no suite for TLS 1.2 or 1.3.
    Provider(RustlsError),
}

impl fmt::Display for TlsSetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsSetupError::Authority(error) => {
                write!(f, "the given authority cannot be trusted: {error}")
            }
            TlsSetupError::Provider(error) => write!(f, "TLS cannot be set up: {error}"),
        }
    }
}

impl std::error::Error for TlsSetupError {}

/// What every handshake shares: roots, suites, and the sessions that can be resumed.
pub(super) struct TlsClient {
    connector: TlsConnector,
    has_roots: bool,
    warning: Option<String>,
}

impl TlsClient {
    pub(super) fn new(trust: Trust) -> Result<Self, TlsSetupError> {
        let (roots, warning) = match trust {
            Trust::NativeRoots => native_roots(rustls_native_certs::load_native_certs()),
            Trust::Only(authorities) => (only(authorities)?, None),
        };
        let has_roots = !roots.is_empty();
        // Named here, not taken from the process: another crate in this binary can
        // neither replace it nor leave it unset.
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsSetupError::Provider)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // The forwarder speaks nothing else; a service without it says so by an alert.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsClient {
            connector: TlsConnector::from(Arc::new(config)),
            has_roots,
            warning,
        })
    }

    /// What was wrong with the trusted roots, in one sentence for the log.
    pub(super) fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// The name that the certificate of `host` has to be for. Asked before anything
    /// is dialled: an upstream that can never be verified need not be called.
    pub(super) fn server_name(&self, host: &str) -> Result<ServerName<'static>, TlsProblem> {
        if !self.has_roots {
            return Err(TlsProblem::NoTrustedRoots);
        }
        ServerName::try_from(host.to_owned()).map_err(|_invalid| TlsProblem::HostName)
    }

    pub(super) async fn handshake(
        &self,
        name: ServerName<'static>,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, TlsProblem> {
        let handshake = self.connector.connect(name, stream);
        handshake.await.map_err(TlsProblem::from)
    }
}

fn only(authorities: Vec<CertificateDer<'static>>) -> Result<RootCertStore, TlsSetupError> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority).map_err(TlsSetupError::Authority)?;
    }
    Ok(roots)
}

/// A file that cannot be read must not stop those who need only plain http, nor hide
/// the roots that could be read.
fn native_roots(found: CertificateResult) -> (RootCertStore, Option<String>) {
    let mut roots = RootCertStore::empty();
    let (_usable, unusable) = roots.add_parsable_certificates(found.certs);
    let first_error = found.errors.first().map(|error| format!(" ({error})"));
    let warning = if roots.is_empty() {
        let reason = first_error.unwrap_or_default();
        Some(format!(
            "no trusted roots were found{reason}: every https upstream will answer 502; set SSL_CERT_FILE or SSL_CERT_DIR"
        ))
    } else if let Some(reason) = first_error {
        Some(format!("some trusted roots could not be read{reason}"))
    } else if unusable > 0 {
        Some(format!(
            "{unusable} of the trusted roots could not be understood and are left out"
        ))
    } else {
        None
    };
    (roots, warning)
}

impl From<io::Error> for TlsProblem {
    fn from(error: io::Error) -> Self {
        match error.downcast::<RustlsError>() {
            Ok(error) => TlsProblem::from(error),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => TlsProblem::Closed,
            Err(error) => TlsProblem::Connection(error),
        }
    }
}

impl From<RustlsError> for TlsProblem {
    fn from(error: RustlsError) -> Self {
        if let RustlsError::InvalidCertificate(certificate) = error {
            TlsProblem::from(certificate)
        } else if let RustlsError::AlertReceived(alert) = error {
            TlsProblem::Alert(alert)
        } else {
            TlsProblem::Protocol(error)
        }
    }
}

impl From<CertificateError> for TlsProblem {
    fn from(error: CertificateError) -> Self {
        use CertificateError as Invalid;
        if let Invalid::ExpiredContext { not_after, .. } = error {
            TlsProblem::Expired {
                not_after: Some(date(not_after)),
            }
        } else if let Invalid::NotValidYetContext { not_before, .. } = error {
            TlsProblem::NotYetValid {
                not_before: Some(date(not_before)),
            }
        } else if error == Invalid::Expired {
            TlsProblem::Expired { not_after: None }
        } else if error == Invalid::NotValidYet {
            TlsProblem::NotYetValid { not_before: None }
        } else if matches!(
            error,
            Invalid::NotValidForName | Invalid::NotValidForNameContext { .. }
        ) {
            TlsProblem::WrongName
        } else if error == Invalid::UnknownIssuer {
            TlsProblem::UntrustedAuthority
        } else if error == Invalid::Revoked {
            TlsProblem::Revoked
        } else {
            TlsProblem::Certificate(error)
        }
    }
}

fn date(time: UnixTime) -> SystemTime {
    // The end of the year 9999: the last date that a certificate, or httpdate, can say.
    const LAST: u64 = 253_402_300_799;
    SystemTime::UNIX_EPOCH + Duration::from_secs(time.as_secs().min(LAST))
}
