//! A throw-away certification authority.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tempfile::TempDir;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// An authority that nobody trusts but who is handed its [`pem_file`](Self::pem_file).
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Default for Authority {
    fn default() -> Self {
        Authority::new()
    }
}

impl Authority {
    /// A new authority with a key of its own.
    pub fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are fine");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "throw-away authority");
        params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        params.key_usages.push(KeyUsagePurpose::CrlSign);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).expect("ca.pem");
        Authority { issuer, folder }
    }

    /// The authority's certificate, for `SSL_CERT_FILE`. Lives as long as the value.
    pub fn pem_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A folder with nothing but the certificate, for `SSL_CERT_DIR`.
    pub fn pem_folder(&self) -> &Path {
        self.folder.path()
    }

    /// A server that proves to be `names` (DNS names or IP addresses) and speaks HTTP/1.1.
    pub fn server_config(&self, names: &[&str]) -> Arc<ServerConfig> {
        self.sign(names, |_| {})
    }

    /// The same, with a certificate that ran out long ago.
    pub fn expired(&self, names: &[&str]) -> Arc<ServerConfig> {
        self.sign(names, |params| {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        })
    }

    /// The same, with a certificate of the future.
    pub fn not_yet_valid(&self, names: &[&str]) -> Arc<ServerConfig> {
        self.sign(names, |params| {
            params.not_before = date_time_ymd(3000, 1, 1);
            params.not_after = date_time_ymd(3001, 1, 1);
        })
    }

    /// The same, with a certificate for another host.
    pub fn wrong_name(&self) -> Arc<ServerConfig> {
        self.server_config(&["another-host.example"])
    }

    /// A server for `names` whose certificate parameters `change` had the last word on.
    pub fn sign(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Arc<ServerConfig> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.use_authority_key_identifier_extension = true;
        let usages = &mut params.extended_key_usages;
        usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let leaf = params.signed_by(&key, &self.issuer).expect("a certificate");
        let chain: Vec<CertificateDer<'static>> =
            vec![leaf.der().clone(), self.issuer.der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a certificate that fits its key");
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::{Ending, Peer};
    use crate::upstream::Upstream;
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream};
    use std::thread;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

    fn shake_hands(
        authority: &Authority,
        address: SocketAddr,
    ) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_file(authority.pem_file()).expect("ca.pem");
        roots.add(root).expect("a root");
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = "127.0.0.1".try_into().expect("a name");
        let session = ClientConnection::new(Arc::new(config), name).expect("a session");
        let mut tls = StreamOwned::new(session, TcpStream::connect(address)?);
        while tls.conn.is_handshaking() {
            tls.conn.complete_io(&mut tls.sock)?;
        }
        Ok(tls)
    }

    #[test]
    fn only_a_valid_certificate_for_the_name_is_accepted() {
        let authority = Authority::new();
        let names = &["localhost", "127.0.0.1"];
        let cases = [
            (true, authority.server_config(names)),
            (false, authority.expired(names)),
            (false, authority.not_yet_valid(names)),
            (false, authority.wrong_name()),
            (false, Authority::new().server_config(names)),
        ];
        for (valid, config) in cases {
            let upstream = Upstream::tls(config);
            let accepted = thread::scope(|scope| {
                let client = scope.spawn(|| shake_hands(&authority, upstream.address()).is_ok());
                let _ = upstream.try_accept();
                client.join().expect("no panic")
            });
            assert_eq!(accepted, valid);
        }
    }

    #[test]
    fn an_end_without_close_notify_is_told_from_one_with() {
        let authority = Authority::new();
        let upstream = Upstream::tls(authority.server_config(&["127.0.0.1"]));
        for ending in [Ending::Closed, Ending::Truncated] {
            thread::scope(|scope| {
                scope.spawn(|| {
                    let mut tls = shake_hands(&authority, upstream.address()).expect("TLS");
                    tls.write_all(b"hello").expect("sent");
                    let mut answer = Vec::new();
                    let read = tls.read_to_end(&mut answer);
                    assert_eq!(read.is_ok(), ending == Ending::Closed);
                    assert_eq!(answer, b"hello");
                });
                let mut connection = upstream.accept();
                assert_eq!(connection.read_exact(5), b"hello");
                connection.send("hello");
                match ending {
                    Ending::Closed => connection.close(),
                    Ending::Truncated | Ending::Reset => connection.close_without_notify(),
                }
            });
        }
    }
}
