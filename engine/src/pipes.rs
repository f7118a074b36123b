//! A worker between streams of the caller's making: every exchange as it is, but no socket,
//! no thread, and no clock except the caller's. For the fuzz target `exchange` and the
//! bench `relay`; the product is built without it.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::access_log::AccessLog;
use crate::config::NoProxy;
use crate::downstream::ClientStream;
use crate::exchange::Connections;
use crate::forward::Pseudonym;
use crate::limits::Limits;
use crate::policy::AllowedHosts;
use crate::route::RouteTable;
use crate::upstream::{Connector, TlsSetupError, Trust, Upstreams};
use crate::wire::{KernelPipes, Stream};
use crate::worker::Worker;

pub use crate::upstream::{Dial, UpstreamPipe};

/// What stands for a client's socket, and tells what a socket tells.
pub trait ClientPipe: AsyncRead + AsyncWrite + Send + Unpin {
    /// Ready when a read would find octets, an end or an error.
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Whether the peer has closed or reset, although octets may lie unread before that.
    fn has_hung_up(&self) -> bool;

    /// The coming close is a reset.
    fn reset_on_close(&self);
}

impl Stream for Box<dyn ClientPipe> {
    fn socket(&self) -> Option<&TcpStream> {
        None
    }
}

impl ClientStream for Box<dyn ClientPipe> {
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_readable(context)
    }

    fn has_input(&self) -> bool {
        false // It has no kernel that could know more than `poll_readable` told.
    }

    fn has_hung_up(&self) -> bool {
        (**self).has_hung_up()
    }

    fn reset_on_close(&self) {
        (**self).reset_on_close();
    }
}

/// One worker, with a pool and memory of its own, which dials by calling its caller.
pub struct Pipes {
    connections: Arc<Connections<Box<dyn ClientPipe>>>,
    admissions: Arc<Semaphore>,
}

impl Pipes {
    /// A worker with nothing under way.
    pub fn new(
        routes: RouteTable,
        limits: Limits,
        dial: Box<Dial>,
        log: Arc<AccessLog>,
    ) -> Result<Self, TlsSetupError> {
        let limits = Arc::new(limits);
        let trust = Trust::Only(Vec::new());
        let connector = Connector::new(trust, None, NoProxy::default(), Arc::clone(&limits))?;
        let worker = Worker::new(
            Arc::new(routes),
            Upstreams::new(Arc::new(connector.over_pipes(dial)), &limits),
            limits,
            Pseudonym::new(0),
            AllowedHosts::any(),
            log,
            None,
            Arc::new(KernelPipes::default()),
            CancellationToken::new(),
        );
        Ok(Pipes {
            connections: Connections::of(Arc::new(worker)),
            admissions: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        })
    }

    /// Serves one client to the end of its connection, on the runtime that polls it.
    pub async fn serve(&self, client: Box<dyn ClientPipe>) {
        // Never exhausted and never closed.
        if let Ok(admission) = Arc::clone(&self.admissions).acquire_owned().await {
            let connections = Arc::clone(&self.connections);
            connections.serve(client, admission).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::Mutex;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf, duplex};
    use tokio::time::Instant;

    use super::*;
    use crate::config::LogLevel;
    use crate::policy::{Credential, CredentialForm, Secret};
    use crate::route::{Route, UpstreamUrl};

    const REQUEST: &[u8] = b"GET /a/x HTTP/1.1\r\nHost: p\r\nAuthorization: theirs\r\n\r\n";
    const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 2\r\n\r\nok";

    /// A pipe that finds out whether it is readable by reading.
    struct Client(Mutex<(DuplexStream, Vec<u8>)>);

    impl Client {
        fn with<T>(&self, look: impl FnOnce(&mut DuplexStream, &mut Vec<u8>) -> T) -> T {
            let mut inner = self.0.lock().unwrap();
            let (stream, ahead) = &mut *inner;
            look(stream, ahead)
        }
    }

    impl ClientPipe for Client {
        fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.with(|stream, ahead| {
                let mut octet = [0];
                let mut unread = ReadBuf::new(&mut octet);
                if ahead.is_empty() {
                    std::task::ready!(Pin::new(stream).poll_read(context, &mut unread))?;
                    ahead.extend_from_slice(unread.filled());
                }
                Poll::Ready(Ok(()))
            })
        }

        fn has_hung_up(&self) -> bool {
            false
        }

        fn reset_on_close(&self) {}
    }

    impl AsyncRead for Client {
        fn poll_read(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            self.with(|stream, ahead| {
                if ahead.is_empty() {
                    return Pin::new(stream).poll_read(context, buffer);
                }
                buffer.put_slice(ahead);
                ahead.clear();
                Poll::Ready(Ok(()))
            })
        }
    }

    impl AsyncWrite for Client {
        fn poll_write(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
            octets: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.with(|stream, _| Pin::new(stream).poll_write(context, octets))
        }

        fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.with(|stream, _| Pin::new(stream).poll_flush(context))
        }

        fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.with(|stream, _| Pin::new(stream).poll_shutdown(context))
        }
    }

    /// Routes with one, and the far ends of what is dialled along it.
    fn pipes(log: AccessLog) -> (Pipes, Arc<Mutex<Vec<DuplexStream>>>) {
        let form = CredentialForm::Scheme("Bearer".into());
        let credential = Credential::render("authorization", &form, &Secret::new(b"ours".to_vec()));
        let upstream = UpstreamUrl::parse("https://up.example/base").unwrap();
        let route = Route::new("/a/".into(), upstream, credential.ok().unwrap());
        let far_ends = Arc::new(Mutex::new(Vec::new()));
        let dialled = Arc::clone(&far_ends);
        let dial = move |upstream: &UpstreamUrl| {
            assert_eq!(upstream.authority(), "up.example");
            let (near, far) = duplex(4096);
            dialled.lock().unwrap().push(far);
            Ok(Box::new(near) as Box<dyn UpstreamPipe>)
        };
        let routes = RouteTable::new(vec![route]).unwrap();
        let pipes = Pipes::new(routes, Limits::default(), Box::new(dial), Arc::new(log));
        (pipes.unwrap(), far_ends)
    }

    /// What arrived up to the end of a request's head.
    async fn read_head(stream: &mut DuplexStream) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn exchanges_pass_between_pipes_pooled_and_logged_on_a_clock_that_stands_still() {
        let (log, lines) = AccessLog::kept(LogLevel::Access);
        let (pipes, far_ends) = pipes(log);
        let (mut client, near) = duplex(4096);
        let near = Client(Mutex::new((near, Vec::new())));
        let started = Instant::now();
        let play = async {
            let mut service: Option<DuplexStream> = None;
            for _ in 0..2 {
                client.write_all(REQUEST).await.unwrap();
                let dialled = async {
                    loop {
                        if let Some(service) = far_ends.lock().unwrap().pop() {
                            return service;
                        }
                        tokio::task::yield_now().await;
                    }
                };
                let mut stream = match service.take() {
                    Some(pooled) => pooled,
                    None => dialled.await,
                };
                let head = read_head(&mut stream).await;
                assert!(head.starts_with("GET /base/x HTTP/1.1\r\nHost: up.example\r\n"));
                assert!(
                    head.ends_with("authorization: Bearer ours\r\n\r\n"),
                    "{head}"
                );
                stream.write_all(RESPONSE).await.unwrap();
                let mut response = [0; RESPONSE.len()];
                client.read_exact(&mut response).await.unwrap();
                assert!(response.ends_with(b"\r\n\r\nok"));
                service = Some(stream);
            }
            // Silent from here on: the idle deadline ends the connection.
            assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
        };
        tokio::join!(pipes.serve(Box::new(near)), play);
        assert_eq!(started.elapsed(), Limits::default().idle_time);
        let lines: Vec<String> = lines.try_iter().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].contains("\"status\":200") && lines[0].contains("\"reused\":false"));
        assert!(lines[1].contains("\"reused\":true"), "{lines:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_dial_that_fails_is_answered_as_any_other() {
        let (log, _lines) = AccessLog::kept(LogLevel::Off);
        let dial = |_: &UpstreamUrl| Err(io::ErrorKind::ConnectionRefused.into());
        let route = Route::new(
            "/a/".into(),
            UpstreamUrl::parse("http://up.example").unwrap(),
            Credential::render(
                "x-api-key",
                &CredentialForm::Bare,
                &Secret::new(b"k".to_vec()),
            )
            .ok()
            .unwrap(),
        );
        let routes = RouteTable::new(vec![route]).unwrap();
        let pipes = Pipes::new(routes, Limits::default(), Box::new(dial), Arc::new(log)).unwrap();
        let (mut client, near) = duplex(4096);
        client.write_all(REQUEST).await.unwrap();
        client.shutdown().await.unwrap();
        pipes
            .serve(Box::new(Client(Mutex::new((near, Vec::new())))))
            .await;
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("error=connection_refused"), "{answer}");
    }
}
