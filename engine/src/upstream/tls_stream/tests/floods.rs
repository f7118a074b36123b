//! What a service may send without end.

use tokio_rustls::rustls::crypto::cipher::{MessageEncrypter, OutboundPlainMessage};
use tokio_rustls::rustls::{ConnectionTrafficSecrets, ContentType, ProtocolVersion, ServerConfig};

use super::*;

/// Seals records of any type and padding, as rustls would not.
struct Forger {
    encrypter: Box<dyn MessageEncrypter>,
    sequence: u64,
}

impl Forger {
    fn of(session: ServerConnection) -> Forger {
        let suite = session.negotiated_cipher_suite().unwrap();
        let secrets = session.dangerous_extract_secrets().unwrap();
        let (sequence, ConnectionTrafficSecrets::Aes256Gcm { key, iv }) = secrets.tx else {
            panic!("another suite than both prefer");
        };
        let mut forger = Forger {
            encrypter: suite.tls13().unwrap().aead_alg.encrypter(key, iv),
            sequence: 0,
        };
        // It takes no number of which it has not seen the ones before.
        while forger.sequence < sequence {
            forger.padded(b"", ContentType::ApplicationData);
        }
        forger
    }

    /// One record of TLS 1.3 with this content, padded to the longest (RFC 8446 §5.4).
    fn padded(&mut self, content: &[u8], content_type: ContentType) -> Vec<u8> {
        let mut inner = content.to_vec();
        inner.push(content_type.into());
        inner.resize(TLS_RECORD_OCTETS, 0);
        let message = OutboundPlainMessage {
            // The last octet of the padding.
            typ: ContentType::Unknown(0),
            version: ProtocolVersion::TLSv1_2,
            payload: inner[..].into(),
        };
        let record = self.encrypter.encrypt(message, self.sequence).unwrap();
        self.sequence += 1;
        record.encode()
    }
}

#[tokio::test]
async fn a_message_in_padded_pieces_is_not_kept_without_bound() {
    let authority = Authority::new();
    let acceptor = authority.acceptor_with(leaf(&["127.0.0.1"]), &[&TLS13], &[b"http/1.1"]);
    let mut config = ServerConfig::clone(acceptor.config());
    config.enable_secret_extraction = true;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (listener, address) = listen().await;
    let (client, service) = both(connect(&authority, address), accept(&listener, &acceptor)).await;
    let (mut socket, session) = service.into_inner();
    let (mut client, mut forger) = (client.unwrap(), Forger::of(session));
    // A ticket of 65 535 octets, one a record.
    let mut piece = vec![4, 0, 0xFF, 0xFF];
    let send = async {
        for _ in 0..1000 {
            let record = forger.padded(&piece, ContentType::Handshake);
            if socket.write_all(&record).await.is_err() {
                break;
            }
            piece = vec![0];
        }
        drop(socket);
    };
    let mut most = 0;
    let read = async {
        let mut octet = [0];
        let mut buffer = ReadBuf::new(&mut octet);
        let result = poll_fn(|context| {
            let read = Pin::new(&mut client).poll_read(context, &mut buffer);
            most = most.max(client.incoming.unread().len());
            read
        })
        .await;
        drop(client);
        result
    };
    let (result, ()) = both(read, send).await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{most}");
    assert!(most < 1024 * 1024, "{most}");
}

#[tokio::test]
async fn a_flood_of_small_records_gives_others_their_turn() {
    let (mut client, mut service) = pair(&[&TLS13]).await;
    let mut records = service.records();
    for _ in 0..100_000 {
        records.extend(service.sealed(b"x"));
    }
    let send = async { service.socket.write_all(&records).await.unwrap() };
    let read = async {
        let (mut heard, mut most) = (0, 0);
        while heard < 100_000 {
            let before = heard;
            poll_fn(|context| {
                // As a relay does: what can be read is read.
                loop {
                    let mut octets = [0; 4096];
                    let mut buffer = ReadBuf::new(&mut octets);
                    match Pin::new(&mut client).poll_read(context, &mut buffer) {
                        Poll::Ready(result) => result.unwrap(),
                        Poll::Pending if heard == before => return Poll::Pending,
                        Poll::Pending => return Poll::Ready(()),
                    }
                    heard += buffer.filled().len();
                    if heard == 100_000 {
                        return Poll::Ready(());
                    }
                }
            })
            .await;
            most = most.max(heard - before);
            tokio::task::yield_now().await;
        }
        most
    };
    let (most, ()) = both(read, send).await;
    assert!(most <= 128 * TLS_RECORDS_PER_READ, "{most} in one turn");
}
