//! TLS toward a service: who is trusted, and the handshake.
//!
//! There is no way to turn verification off: nothing here makes a verifier.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls_native_certs::CertificateResult;
use tokio::net::TcpStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error as RustlsError, RootCertStore};

use super::dial_error::TlsProblem;
use super::tls_stream::TlsStream;

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
    config: Arc<ClientConfig>,
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
            config: Arc::new(config),
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
    ) -> Result<TlsStream, TlsProblem> {
        let handshake = TlsStream::handshake(Arc::clone(&self.config), name, stream);
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
        } else if error == Invalid::UnknownIssuer || error == Invalid::BadSignature {
            // A namesake of a trusted authority, with another key, is not that authority.
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

#[cfg(test)]
mod tests {
    use super::super::testing::{Authority, both, connector, leaf, listen, readable, url};
    use super::super::{DialError, UpstreamConnection, UpstreamStream};
    use super::*;
    use crate::route::PoolKey;
    use rcgen::{CertificateParams, date_time_ymd};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::version::{TLS12, TLS13};
    use tokio_rustls::rustls::{ALL_VERSIONS, HandshakeKind};

    /// What comes of a service at 127.0.0.1 for one who trusts like this.
    async fn dialled(acceptor: TlsAcceptor, trust: Trust) -> Result<Box<TlsStream>, DialError> {
        let (listener, address) = listen().await;
        let connector = connector(trust, None, "");
        let upstream = url("https", "127.0.0.1", address.port());
        let (ours, _theirs) = both(connector.dial(&upstream), async {
            let (stream, _) = listener.accept().await.unwrap();
            acceptor.accept(stream).await
        })
        .await;
        ours.map(session)
    }

    fn session(stream: UpstreamStream) -> Box<TlsStream> {
        match stream {
            UpstreamStream::Tls(session) => session,
            UpstreamStream::Plain(_) => panic!("https without TLS"),
            #[cfg(feature = "pipes")]
            UpstreamStream::Pipe(_) => panic!("https without TLS"),
        }
    }

    async fn refusal(params: CertificateParams) -> String {
        let authority = Authority::new();
        let acceptor = authority.acceptor_with(params, ALL_VERSIONS, &[b"http/1.1"]);
        let error = dialled(acceptor, authority.trust()).await.unwrap_err();
        assert_eq!(error.error_type(), "tls_certificate_error");
        assert!(!error.is_timeout());
        error.to_string()
    }

    #[tokio::test]
    async fn both_versions_are_spoken_and_only_http_1_1_over_them() {
        let authority = Authority::new();
        for version in [&TLS12, &TLS13] {
            let params = leaf(&["127.0.0.1"]);
            let acceptor = authority.acceptor_with(params, &[version], &[b"h2", b"http/1.1"]);
            let session = dialled(acceptor, authority.trust()).await.unwrap();
            let session = session.session();
            assert_eq!(session.protocol_version(), Some(version.version));
            assert_eq!(session.alpn_protocol(), Some(b"http/1.1".as_slice()));
        }
    }

    #[tokio::test]
    async fn a_service_without_alpn_speaks_http_1_1() {
        let authority = Authority::new();
        let acceptor = authority.acceptor_with(leaf(&["127.0.0.1"]), ALL_VERSIONS, &[]);
        assert!(dialled(acceptor, authority.trust()).await.is_ok());
    }

    #[tokio::test]
    async fn a_service_that_speaks_only_http_2_is_refused() {
        let authority = Authority::new();
        let acceptor = authority.acceptor_with(leaf(&["127.0.0.1"]), ALL_VERSIONS, &[b"h2"]);
        let error = dialled(acceptor, authority.trust()).await.unwrap_err();
        assert_eq!(error.error_type(), "tls_alert_received");
        assert_eq!(
            error.to_string(),
            "TLS handshake failed: 127.0.0.1 sent the alert NoApplicationProtocol"
        );
    }

    #[tokio::test]
    async fn another_name_is_refused() {
        assert_eq!(
            refusal(leaf(&["other.test", "127.0.0.2"])).await,
            "the certificate of 127.0.0.1 is for another name"
        );
    }

    #[tokio::test]
    async fn an_expired_certificate_is_refused() {
        let mut params = leaf(&["127.0.0.1"]);
        params.not_after = date_time_ymd(2020, 1, 1);
        assert_eq!(
            refusal(params).await,
            "the certificate of 127.0.0.1 has expired (notAfter Wed, 01 Jan 2020 00:00:00 GMT)"
        );
    }

    #[tokio::test]
    async fn a_certificate_of_the_future_is_refused() {
        let mut params = leaf(&["127.0.0.1"]);
        params.not_before = date_time_ymd(2999, 1, 1);
        assert_eq!(
            refusal(params).await,
            "the certificate of 127.0.0.1 is not yet valid (notBefore Tue, 01 Jan 2999 00:00:00 GMT)"
        );
    }

    #[tokio::test]
    async fn an_authority_that_is_not_trusted_is_refused() {
        let acceptor = Authority::named("somebody else").acceptor(&["127.0.0.1"]);
        let error = dialled(acceptor, Authority::new().trust())
            .await
            .unwrap_err();
        assert_eq!(error.error_type(), "tls_certificate_error");
        assert_eq!(
            error.to_string(),
            "the certificate of 127.0.0.1 is signed by an authority that is not trusted here; add it with SSL_CERT_FILE"
        );
    }

    #[tokio::test]
    async fn an_authority_that_only_bears_a_trusted_name_is_refused() {
        let acceptor = Authority::new().acceptor(&["127.0.0.1"]);
        let error = dialled(acceptor, Authority::new().trust())
            .await
            .unwrap_err();
        assert_eq!(error.error_type(), "tls_certificate_error");
    }

    #[tokio::test]
    async fn a_service_that_does_not_speak_tls_is_refused() {
        let (listener, address) = listen().await;
        let connector = connector(Authority::new().trust(), None, "");
        let upstream = url("https", "127.0.0.1", address.port());
        let (error, _service) = both(connector.dial(&upstream), async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await
                .unwrap();
            stream
        })
        .await;
        let error = error.unwrap_err();
        assert_eq!(error.error_type(), "tls_protocol_error");
        assert!(
            error
                .to_string()
                .starts_with("TLS handshake failed: 127.0.0.1: "),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_service_that_hangs_up_in_the_handshake_is_told_apart() {
        let (listener, address) = listen().await;
        let connector = connector(Authority::new().trust(), None, "");
        let upstream = url("https", "127.0.0.1", address.port());
        let (error, ()) = both(connector.dial(&upstream), async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.shutdown().await.unwrap();
            // Reads on, so that the end is a FIN and no reset.
            stream.read_to_end(&mut Vec::new()).await.unwrap();
        })
        .await;
        let error = error.unwrap_err();
        assert_eq!(error.error_type(), "connection_terminated");
        assert_eq!(error.to_string(), "TLS handshake failed: 127.0.0.1 hung up");
    }

    #[tokio::test]
    async fn a_session_is_resumed() {
        let authority = Authority::new();
        let acceptor = authority.acceptor(&["127.0.0.1"]);
        let (listener, address) = listen().await;
        let connector = connector(authority.trust(), None, "");
        let upstream = url("https", "127.0.0.1", address.port());
        for resumed in [false, true] {
            let (ours, _service) = both(connector.dial(&upstream), async {
                let (stream, _) = listener.accept().await.unwrap();
                acceptor.accept(stream).await.unwrap()
            })
            .await;
            let mut connection = UpstreamConnection::new(ours.unwrap(), PoolKey::unique());
            // The ticket arrives behind the handshake and is taken in by the look.
            readable(&connection).await;
            assert!(connection.is_quiet());
            let kind = session(connection.stream).session().handshake_kind();
            assert_eq!(kind == Some(HandshakeKind::Resumed), resumed, "{kind:?}");
        }
    }

    #[tokio::test]
    async fn without_roots_https_fails_and_says_what_to_set() {
        let connector = connector(Trust::Only(Vec::new()), None, "");
        let error = connector
            .dial(&url("https", "127.0.0.1", 9))
            .await
            .unwrap_err();
        assert_eq!(error.error_type(), "proxy_configuration_error");
        assert_eq!(
            error.to_string(),
            "no trusted roots were found to verify 127.0.0.1 with; set SSL_CERT_FILE or SSL_CERT_DIR"
        );
    }

    #[test]
    fn roots_that_are_missing_or_broken_are_one_warning() {
        let missing =
            || rustls_native_certs::load_certs_from_paths(Some("/nonexistent".as_ref()), None);
        let good = Authority::new().certificate();

        let (roots, warning) = native_roots(missing());
        let warning = warning.unwrap();
        assert!(roots.is_empty());
        assert!(
            warning.starts_with("no trusted roots were found ("),
            "{warning}"
        );
        assert!(warning.contains("/nonexistent"), "{warning}");
        assert!(
            warning.ends_with("set SSL_CERT_FILE or SSL_CERT_DIR"),
            "{warning}"
        );
        assert!(!warning.contains('\n'));

        let mut partly = missing();
        partly.certs.push(good.clone());
        let (roots, warning) = native_roots(partly);
        assert_eq!(roots.len(), 1);
        assert!(
            warning
                .unwrap()
                .starts_with("some trusted roots could not be read (")
        );

        let mut broken = CertificateResult::default();
        broken.certs = vec![good.clone(), CertificateDer::from(vec![0x30, 0x00])];
        let (roots, warning) = native_roots(broken);
        assert_eq!(roots.len(), 1);
        assert!(warning.unwrap().starts_with("1 of the trusted roots"));

        let mut sound = CertificateResult::default();
        sound.certs.push(good);
        let (roots, warning) = native_roots(sound);
        assert_eq!((roots.len(), warning), (1, None));
    }

    #[test]
    fn an_authority_that_is_no_certificate_stops_the_setup() {
        let junk = Trust::Only(vec![CertificateDer::from(vec![0x30, 0x00])]);
        let error = TlsClient::new(junk).err().unwrap();
        assert!(
            error
                .to_string()
                .starts_with("the given authority cannot be trusted: ")
        );
    }
}
