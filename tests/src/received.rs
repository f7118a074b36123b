//! What a client of ours sent: read strictly from its connection, octet for octet.

use std::io::{self, BufRead, ErrorKind};
use std::net::TcpStream;
use std::sync::Arc;

use tokio_rustls::rustls::server::Acceptor;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How a request's body was framed when it arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BodyFraming {
    /// Neither field: no body.
    #[default]
    None,
    /// `Content-Length`, in octets.
    ContentLength(u64),
    /// `Transfer-Encoding: chunked`, and how many chunks have come, the last not counted.
    Chunked(usize),
}

/// One request as it arrived. Grows while its body comes.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// Number of the connection it came on, from 0 in the order of acceptance.
    pub connection: usize,
    /// The TLS hello of that connection; none over plain TCP.
    pub hello: Option<Hello>,
    /// The method's octets.
    pub method: String,
    /// The request target as it stood on the line.
    pub target: String,
    /// The version as it stood on the line.
    pub version: String,
    /// Field lines in their order, with their case; values without surrounding blanks.
    pub fields: Vec<(String, String)>,
    /// How the body is framed.
    pub framing: BodyFraming,
    /// What has come of the body, framing removed.
    pub body: Vec<u8>,
    /// Whether the body has come to its end.
    pub complete: bool,
}

impl Received {
    /// Every value of the named field, whatever its case.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let lines = self.fields.iter();
        lines
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The value of a field that must be there exactly once.
    ///
    /// # Panics
    /// When it is missing or repeated.
    pub fn only(&self, name: &str) -> &str {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name} once in {self:#?}");
        all[0]
    }
}

/// What a TLS client said before anything was encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// Server Name Indication.
    pub server_name: Option<String>,
    /// The protocols it offered (ALPN), in its order.
    pub offered_protocols: Vec<String>,
}

pub(crate) fn fault(what: &str, detail: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("{what}: {detail:?}"))
}

pub(crate) fn shake_hands(
    mut tcp: TcpStream,
    config: Arc<ServerConfig>,
) -> io::Result<(Hello, StreamOwned<ServerConnection, TcpStream>)> {
    let mut acceptor = Acceptor::default();
    let accepted = loop {
        if acceptor.read_tls(&mut tcp)? == 0 {
            return Err(fault("a connection that ends before its TLS hello", ""));
        }
        match acceptor.accept() {
            Ok(Some(accepted)) => break accepted,
            Ok(None) => {}
            Err((error, mut alert)) => {
                alert.write_all(&mut tcp)?;
                return Err(io::Error::other(error));
            }
        }
    };
    let said = accepted.client_hello();
    let hello = Hello {
        server_name: said.server_name().map(str::to_owned),
        offered_protocols: said
            .alpn()
            .into_iter()
            .flatten()
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect(),
    };
    let mut tls = accepted
        .into_connection(config)
        .map_err(|(error, mut alert)| {
            let _ = alert.write_all(&mut tcp);
            io::Error::other(error)
        })?;
    while tls.is_handshaking() {
        tls.complete_io(&mut tcp)?;
    }
    Ok((hello, StreamOwned::new(tls, tcp)))
}

pub(crate) fn read_line(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let read = match stream.read_until(b'\n', &mut line) {
        // The end without close_notify between two messages harms nobody here.
        Err(error)
            if line.is_empty()
                && matches!(
                    error.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset
                ) =>
        {
            0
        }
        result => result?,
    };
    if read == 0 {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&line).into_owned();
    text.strip_suffix("\r\n")
        .map(|line| Some(line.to_owned()))
        .ok_or_else(|| fault("a line that does not end in CRLF", &text))
}

pub(crate) fn read_head(
    stream: &mut impl BufRead,
    mut request: Received,
) -> io::Result<Option<Received>> {
    let Some(line) = read_line(stream)? else {
        return Ok(None);
    };
    let words: Vec<&str> = line.split(' ').collect();
    let [method, target, version] = words[..] else {
        return Err(fault("a request line of other than three words", &line));
    };
    (request.method, request.target, request.version) =
        (method.to_owned(), target.to_owned(), version.to_owned());
    loop {
        let line = read_line(stream)?.ok_or(ErrorKind::UnexpectedEof)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| fault("a field line without a colon", &line))?;
        request
            .fields
            .push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
    }
    request.framing = match (
        request.all("content-length")[..].to_vec(),
        request.all("transfer-encoding")[..].to_vec(),
    ) {
        (none, nothing) if none.is_empty() && nothing.is_empty() => BodyFraming::None,
        (length, nothing) if length.len() == 1 && nothing.is_empty() => BodyFraming::ContentLength(
            length[0]
                .parse()
                .ok()
                .ok_or_else(|| fault("a Content-Length that is no number", length[0]))?,
        ),
        (none, coding) if none.is_empty() && coding == ["chunked"] => BodyFraming::Chunked(0),
        (lengths, codings) => {
            return Err(fault(
                "a framing that can be read in two ways",
                &format!("{lengths:?} {codings:?}"),
            ));
        }
    };
    Ok(Some(request))
}
