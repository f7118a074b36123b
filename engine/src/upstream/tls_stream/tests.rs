mod floods;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::SupportedProtocolVersion;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ALL_VERSIONS, AlertDescription};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConnection};

use super::super::testing::{Authority, both, leaf, listen};
use super::*;

/// The service as it is without a socket of its own: what it says is sealed into a vector, and
/// the test decides how it reaches the client.
struct Service {
    session: ServerConnection,
    socket: TcpStream,
}

impl Service {
    /// Everything that the session has to say now, as records.
    fn records(&mut self) -> Vec<u8> {
        let mut records = Vec::new();
        while self.session.wants_write() {
            self.session.write_tls(&mut records).unwrap();
        }
        records
    }

    /// These octets, sealed.
    fn sealed(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut records = Vec::new();
        for part in octets.chunks(TLS_RECORD_OCTETS) {
            io::Write::write_all(&mut self.session.writer(), part).unwrap();
            records.extend(self.records());
        }
        records
    }

    /// What the client said, up to `count` octets.
    async fn hears(&mut self, count: usize) -> Vec<u8> {
        let mut heard = Vec::new();
        let mut records = [0; 4096];
        while heard.len() < count {
            let read = self.socket.read(&mut records).await.unwrap();
            assert_ne!(read, 0, "{} of {count}", heard.len());
            let mut records = &records[..read];
            while !records.is_empty() {
                self.session.read_tls(&mut records).unwrap();
                let state = self.session.process_new_packets().unwrap();
                let mut octets = vec![0; state.plaintext_bytes_to_read()];
                io::Read::read_exact(&mut self.session.reader(), &mut octets).unwrap();
                heard.extend(octets);
            }
        }
        heard
    }
}

/// A client and the service that it has shaken hands with; session tickets are on their way.
async fn pair(versions: &[&'static SupportedProtocolVersion]) -> (TlsStream, Service) {
    let authority = Authority::new();
    let acceptor = authority.acceptor_with(leaf(&["127.0.0.1"]), versions, &[b"http/1.1"]);
    let (listener, address) = listen().await;
    let (client, service) = both(connect(&authority, address), accept(&listener, &acceptor)).await;
    let (socket, session) = service.into_inner();
    (client.unwrap(), Service { session, socket })
}

async fn accept(
    listener: &TcpListener,
    acceptor: &TlsAcceptor,
) -> tokio_rustls::server::TlsStream<TcpStream> {
    let (socket, _) = listener.accept().await.unwrap();
    socket.set_nodelay(true).unwrap();
    acceptor.accept(socket).await.unwrap()
}

fn config(authority: &Authority) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_protocol_versions(ALL_VERSIONS).unwrap();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

async fn connect(authority: &Authority, address: std::net::SocketAddr) -> io::Result<TlsStream> {
    let tcp = TcpStream::connect(address).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    TlsStream::handshake(config(authority), name, tcp).await
}

fn numbered(count: usize) -> Vec<u8> {
    (0..count).map(|n| (n % 251) as u8).collect()
}

/// One look, without waiting.
fn look(client: &mut TlsStream, room: usize) -> Poll<io::Result<Vec<u8>>> {
    let mut octets = vec![0; room];
    let mut buffer = ReadBuf::new(&mut octets);
    let mut context = Context::from_waker(Waker::noop());
    let read = Pin::new(client).poll_read(&mut context, &mut buffer);
    read.map_ok(|()| buffer.filled().to_vec())
}

#[tokio::test]
async fn records_cut_at_every_octet_are_put_together() {
    for versions in [&[&TLS12], &[&TLS13]] {
        let (mut client, mut service) = pair(versions).await;
        let mut records = service.records();
        records.extend(service.sealed(b"one"));
        let first = records.len();
        records.extend(service.sealed(b" two"));
        let mut heard = Vec::new();
        for (n, &octet) in records.iter().enumerate() {
            service.socket.write_all(&[octet]).await.unwrap();
            client.tcp.readable().await.unwrap();
            match look(&mut client, 10) {
                Poll::Pending => {}
                Poll::Ready(octets) => {
                    assert!(n + 1 == first || n + 1 == records.len());
                    heard.extend(octets.unwrap());
                }
            }
        }
        assert_eq!(heard, b"one two");
    }
}

#[tokio::test]
async fn records_of_one_read_are_one_read_whatever_the_room() {
    let body = numbered(3 * TLS_RECORD_OCTETS + 7);
    for room in [
        1,
        1000,
        TLS_RECORD_OCTETS,
        2 * TLS_RECORD_OCTETS + 1,
        body.len(),
        2 * body.len(),
    ] {
        let (mut client, mut service) = pair(ALL_VERSIONS).await;
        let records = [service.records(), service.sealed(&body)].concat();
        let heard = async {
            let mut heard = Vec::new();
            let mut part = vec![0; room];
            while heard.len() < body.len() {
                let count = client.read(&mut part).await.unwrap();
                assert!((1..=room).contains(&count));
                assert!(
                    client.spilt.len() < TLS_RECORD_OCTETS,
                    "no more is deciphered than its reader takes"
                );
                heard.extend_from_slice(&part[..count]);
            }
            heard
        };
        let (heard, sent) = both(heard, service.socket.write_all(&records)).await;
        sent.unwrap();
        assert!(heard == body, "with room for {room}");
    }
}

#[tokio::test]
async fn a_large_body_is_read_in_large_pieces_and_leaves_no_memory_behind() {
    let (mut client, mut service) = pair(ALL_VERSIONS).await;
    let body = numbered(4 << 20);
    let send = async {
        let tickets = service.records();
        service.socket.write_all(&tickets).await.unwrap();
        for part in body.chunks(256 << 10) {
            let records = service.sealed(part);
            service.socket.write_all(&records).await.unwrap();
        }
    };
    let mut heard = vec![0; body.len()];
    let (read, ()) = both(client.read_exact(&mut heard), send).await;
    read.unwrap();
    assert!(heard == body);
    client.give_back_memory();
    assert!(client.incoming.is_unallocated());
    assert_eq!(
        (client.spilt.capacity(), client.outgoing.block.capacity()),
        (0, 0)
    );
}

#[tokio::test]
async fn who_waits_holds_no_memory() {
    let (mut client, mut service) = pair(&[&TLS12]).await;
    client.give_back_memory();
    assert!(look(&mut client, 10).is_pending());
    assert!(client.incoming.is_unallocated());
    let records = service.sealed(b"answer");
    let mut heard = [0; 6];
    let (read, sent) = both(
        client.read_exact(&mut heard),
        service.socket.write_all(&records),
    )
    .await;
    assert_eq!((read.unwrap(), sent.is_ok(), &heard), (6, true, b"answer"));
}

#[tokio::test]
async fn what_comes_with_the_close_is_read_before_the_end() {
    for versions in [&[&TLS12], &[&TLS13]] {
        let (mut client, mut service) = pair(versions).await;
        let mut records = [service.records(), service.sealed(b"last words")].concat();
        service.session.send_close_notify();
        records.extend(service.records());
        service.socket.write_all(&records).await.unwrap();
        let mut heard = Vec::new();
        // The connection itself stays open: the announcement is the end.
        client.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"last words");
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn an_end_inside_a_record_is_an_error() {
    let (mut client, mut service) = pair(ALL_VERSIONS).await;
    let records = [
        service.records(),
        service.sealed(b"whole"),
        service.sealed(b"half"),
    ]
    .concat();
    service
        .socket
        .write_all(&records[..records.len() - 1])
        .await
        .unwrap();
    drop(service);
    let mut heard = Vec::new();
    let end = client.read_to_end(&mut heard).await.unwrap_err();
    assert_eq!(
        (end.kind(), &heard[..]),
        (io::ErrorKind::UnexpectedEof, &b"whole"[..])
    );
}

#[tokio::test]
async fn a_forged_record_fails_behind_what_was_good_and_for_ever() {
    let (mut client, mut service) = pair(ALL_VERSIONS).await;
    let mut records = [
        service.records(),
        service.sealed(b"good"),
        service.sealed(b"forged"),
    ]
    .concat();
    *records.last_mut().unwrap() ^= 1;
    records.extend(service.sealed(b"later"));
    service.socket.write_all(&records).await.unwrap();
    let mut heard = [0; 4];
    client.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"good");
    for _ in 0..2 {
        let error = client.read(&mut [0; 9]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
    assert!(client.write(b"no more").await.is_err());
    // The service hears why.
    let mut alert = Vec::new();
    client.shutdown().await.unwrap();
    service.socket.read_to_end(&mut alert).await.unwrap();
    service.session.read_tls(&mut &alert[..]).unwrap();
    let error = service.session.process_new_packets().unwrap_err();
    assert_eq!(
        error,
        RustlsError::AlertReceived(AlertDescription::BadRecordMac)
    );
}

#[tokio::test]
async fn an_oversized_record_is_refused() {
    let (mut client, mut service) = pair(ALL_VERSIONS).await;
    let mut records = service.records();
    records.extend([23, 3, 3, 0xff, 0xff]);
    service.socket.write_all(&records).await.unwrap();
    let error = client.read(&mut [0; 9]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    let reason = error.downcast::<RustlsError>().unwrap();
    assert!(
        matches!(reason, RustlsError::InvalidMessage(_)),
        "{reason:?}"
    );
}

#[tokio::test]
async fn keys_are_updated_in_both_directions() {
    let (mut client, mut service) = pair(&[&TLS13]).await;
    for round in 0..3 {
        let mut records = service.sealed(b"before");
        service.session.refresh_traffic_keys().unwrap();
        records.extend(service.sealed(b" after"));
        service.socket.write_all(&records).await.unwrap();
        let mut heard = [0; 12];
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"before after", "{round}");
        // The client's answer to the update leaves with what it says next.
        client.write_all(b"request").await.unwrap();
        assert_eq!(service.hears(7).await, b"request");
    }
}

#[tokio::test]
async fn what_is_written_comes_whole_whatever_its_slices() {
    let (mut client, mut service) = pair(ALL_VERSIONS).await;
    let body = numbered(5 * TLS_WRITE_OCTETS + 11);
    for size in [100, 5000, TLS_RECORD_OCTETS + 3, body.len()] {
        let slices: Vec<IoSlice<'_>> = body.chunks(size).map(IoSlice::new).collect();
        let send = async {
            let mut sent = 0;
            while sent < body.len() {
                let (whole, cut) = (sent / size, sent % size);
                let mut rest = slices[whole..].to_vec();
                rest[0].advance(cut);
                rest.insert(0, IoSlice::new(b""));
                sent += client.write_vectored(&rest).await.unwrap();
            }
            client.flush().await.unwrap();
        };
        let ((), heard) = both(send, service.hears(body.len())).await;
        assert!(heard == body, "in slices of {size}");
    }
}

#[tokio::test]
async fn a_service_that_reads_nothing_is_not_written_to_for_ever() {
    let (mut client, mut service) = pair(ALL_VERSIONS).await;
    let body = numbered(TLS_WRITE_OCTETS);
    let mut sent = 0;
    loop {
        let mut context = Context::from_waker(Waker::noop());
        match Pin::new(&mut client).poll_write(&mut context, &body[sent % body.len()..]) {
            Poll::Ready(count) => sent += count.unwrap(),
            Poll::Pending => break,
        }
        assert!(client.outgoing.sealed < 2 * TLS_WRITE_OCTETS);
        assert!(sent < 1 << 26, "the socket takes no end");
        tokio::task::yield_now().await;
    }
    let (flushed, heard) = both(client.flush(), service.hears(sent)).await;
    flushed.unwrap();
    assert_eq!(heard.len(), sent);
    assert!(heard.chunks(body.len()).all(|part| body.starts_with(part)));
}

#[tokio::test]
async fn an_answer_that_came_before_the_request_is_whole_waits_for_its_reader() {
    let (mut client, mut service) = pair(ALL_VERSIONS).await;
    let records = [
        service.records(),
        service.sealed(b"early "),
        service.sealed(b"answer"),
    ]
    .concat();
    service.socket.write_all(&records).await.unwrap();
    client.tcp.readable().await.unwrap();
    let mut heard = [0; 1];
    client.read_exact(&mut heard).await.unwrap();
    client.write_all(b"rest of the request").await.unwrap();
    assert_eq!(service.hears(19).await, b"rest of the request");
    let mut rest = [0; 11];
    client.read_exact(&mut rest).await.unwrap();
    assert_eq!((&heard, &rest), (b"e", b"arly answer"));
}

#[tokio::test]
async fn a_closed_stream_takes_no_more() {
    let (mut client, mut service) = pair(ALL_VERSIONS).await;
    client.shutdown().await.unwrap();
    let error = client.write(b"x").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    let mut said = Vec::new();
    service.socket.read_to_end(&mut said).await.unwrap();
    let mut said = &said[..];
    service.session.read_tls(&mut said).unwrap();
    assert!(
        service
            .session
            .process_new_packets()
            .unwrap()
            .peer_has_closed()
    );
}

#[tokio::test]
async fn a_handshake_cut_at_every_octet_succeeds() {
    let authority = Authority::new();
    for versions in [&[&TLS12], &[&TLS13]] {
        let acceptor = authority.acceptor_with(leaf(&["127.0.0.1"]), versions, &[]);
        let (listener, address) = listen().await;
        let (behind, behind_address) = listen().await;
        let serve = async {
            let (one, other) = tokio::join!(accept(&behind, &acceptor), async {
                let (mut front, _) = listener.accept().await.unwrap();
                front.set_nodelay(true).unwrap();
                let mut back = TcpStream::connect(behind_address).await.unwrap();
                trickle(&mut front, &mut back).await;
            });
            (one, other)
        };
        let (client, _) = both(
            async {
                let mut client = connect(&authority, address).await?;
                client.shutdown().await?;
                Ok::<_, io::Error>(client)
            },
            serve,
        )
        .await;
        let version = client.unwrap().session().protocol_version();
        assert_eq!(version, Some(versions[0].version));
    }
}

/// Carries what the client says as it is, and what the service says octet by octet.
async fn trickle(front: &mut TcpStream, back: &mut TcpStream) {
    let (mut from_client, mut to_client) = front.split();
    let (mut from_service, mut to_service) = back.split();
    let up = async {
        let _ended = tokio::io::copy(&mut from_client, &mut to_service).await;
    };
    let down = async {
        let mut octet = [0];
        while let Ok(1) = from_service.read(&mut octet).await {
            if to_client.write_all(&octet).await.is_err() {
                return;
            }
        }
    };
    tokio::select! { () = up => {}, () = down => {} }
}
