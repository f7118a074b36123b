//! The control socket: short words, each with the descriptors that go with it.
//!
//! A socket that keeps records apart, so that a descriptor can't be taken for another word's.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, UCred,
};

/// Octets of a word: its name, and a sentence.
const WORD_OCTETS: usize = 4096;

/// Descriptors of a word: a listening socket for each face, or three streams.
pub(super) const DESCRIPTORS: usize = 8;

/// What is said over the control socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// From inside: here are the listening sockets, in the order of the ports.
    Listening,
    /// To the inside: somebody accepts on them; is it so?
    Accepted,
    /// From inside: who accepts on the first has answered.
    Answered,
    /// To the inside: run the agent, with these three streams.
    RunOnStreams,
    /// To the inside: run the agent, on a terminal of this size.
    RunOnTerminal {
        /// Rows.
        rows: u16,
        /// Columns.
        columns: u16,
    },
    /// From inside: here is the outer end of the agent's terminal.
    Terminal,
    /// From inside: it can't be; a sentence.
    Failed(String),
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Word::Listening => f.write_str("listening"),
            Word::Accepted => f.write_str("accepted"),
            Word::Answered => f.write_str("answered"),
            Word::RunOnStreams => f.write_str("run-on-streams"),
            Word::RunOnTerminal { rows, columns } => {
                write!(f, "run-on-terminal {rows} {columns}")
            }
            Word::Terminal => f.write_str("terminal"),
            Word::Failed(sentence) => write!(f, "failed {sentence}"),
        }
    }
}

impl Word {
    fn parse(text: &str) -> Option<Word> {
        let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
        let word = match name {
            "listening" => Word::Listening,
            "accepted" => Word::Accepted,
            "answered" => Word::Answered,
            "run-on-streams" => Word::RunOnStreams,
            "run-on-terminal" => {
                let (rows, columns) = rest.split_once(' ')?;
                Word::RunOnTerminal {
                    rows: rows.parse().ok()?,
                    columns: columns.parse().ok()?,
                }
            }
            "terminal" => Word::Terminal,
            "failed" => Word::Failed(rest.to_owned()),
            _ => return None,
        };
        // Nothing stands behind a word that has nothing to say.
        (word.to_string() == text).then_some(word)
    }
}

/// What came over the control socket.
#[derive(Debug)]
pub(super) struct Received {
    /// What was said.
    pub word: Word,
    /// What came with it.
    pub descriptors: Vec<OwnedFd>,
    /// Who said it, in this process's numbers, where the socket is asked to tell.
    pub sender: Option<UCred>,
}

/// A pair of connected sockets, closed at an exec.
///
/// # Errors
///
/// The kernel's.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
    Ok(rustix::net::socketpair(
        family,
        kind,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

/// Says a word.
///
/// # Errors
///
/// The kernel's.
pub(super) fn send(socket: BorrowedFd<'_>, word: &Word, with: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut text = word.to_string();
    while text.len() > WORD_OCTETS {
        text.pop();
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !with.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(with)) {
        return Err(io::Error::other("too many descriptors"));
    }
    let octets = [IoSlice::new(text.as_bytes())];
    rustix::net::sendmsg(socket, &octets, &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Hears a word; none: the other end is closed. `flags` say whether the descriptors live on
/// after an exec.
///
/// # Errors
///
/// The kernel's, or that it is none of ours.
pub(super) fn receive(socket: BorrowedFd<'_>, flags: RecvFlags) -> io::Result<Option<Received>> {
    let mut octets = [0; WORD_OCTETS];
    let mut space =
        [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS), ScmCredentials(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(&mut octets)];
    let message = rustix::net::recvmsg(socket, &mut slices, &mut ancillary, flags)?;
    let (mut descriptors, mut sender) = (Vec::new(), None);
    for part in ancillary.drain() {
        match part {
            RecvAncillaryMessage::ScmRights(rights) => descriptors.extend(rights),
            RecvAncillaryMessage::ScmCredentials(who) => sender = Some(who),
            _ => {}
        }
    }
    if message.bytes == 0 {
        return Ok(None);
    }
    let cut = ReturnFlags::TRUNC | ReturnFlags::CTRUNC;
    let text = octets.get(..message.bytes).map(String::from_utf8_lossy);
    let word = text.and_then(|text| Word::parse(&text));
    match word.filter(|_| !message.flags.intersects(cut)) {
        Some(word) => Ok(Some(Received {
            word,
            descriptors,
            sender,
        })),
        None => Err(io::Error::other("something that is no word was said")),
    }
}

/// The same for a process that does nothing else meanwhile; the end of the other is an error.
///
/// # Errors
///
/// The kernel's, or that the other end is closed.
pub(super) fn hear(socket: impl AsFd, flags: RecvFlags) -> io::Result<Received> {
    let received = rustix::io::retry_on_intr(|| {
        receive(socket.as_fd(), flags).map_err(|error| {
            rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::PROTO)
        })
    })?;
    received.ok_or_else(|| io::Error::other("the launcher is gone"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_heard_as_they_were_said() {
        let words = [
            Word::Listening,
            Word::Accepted,
            Word::Answered,
            Word::RunOnStreams,
            Word::RunOnTerminal {
                rows: 24,
                columns: 80,
            },
            Word::Terminal,
            Word::Failed("it is  so\n".to_owned()),
        ];
        let (one, other) = pair().expect("a pair");
        for word in words {
            send(one.as_fd(), &word, &[]).expect("said");
            let heard = hear(&other, RecvFlags::CMSG_CLOEXEC).expect("heard");
            assert_eq!(heard.word, word);
            assert!(heard.descriptors.is_empty());
        }
    }

    #[test]
    fn what_is_no_word_is_refused() {
        for text in [
            "",
            "listen",
            "listening ",
            "run-on-terminal 1",
            "run-on-terminal 1 70000",
        ] {
            assert_eq!(Word::parse(text), None, "{text:?}");
        }
        let (one, other) = pair().expect("a pair");
        rustix::net::send(&one, b"\xff", SendFlags::empty()).expect("sent");
        assert!(receive(other.as_fd(), RecvFlags::empty()).is_err());
        drop(one);
        let end = receive(other.as_fd(), RecvFlags::empty()).expect("an end");
        assert!(end.is_none());
    }

    #[test]
    fn descriptors_travel_with_their_word() {
        use std::io::{Read, Seek, Write};
        let (one, other) = pair().expect("a pair");
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"x").expect("written");
        file.rewind().expect("rewound");
        send(one.as_fd(), &Word::Listening, &[file.as_fd()]).expect("said");
        send(one.as_fd(), &Word::Answered, &[]).expect("said");
        let mut heard = hear(&other, RecvFlags::CMSG_CLOEXEC).expect("heard");
        let mut text = String::new();
        let copy = heard.descriptors.pop().expect("a descriptor");
        std::fs::File::from(copy)
            .read_to_string(&mut text)
            .expect("read");
        assert_eq!(text, "x");
        assert_eq!(
            hear(&other, RecvFlags::empty()).expect("heard").word,
            Word::Answered
        );
    }

    #[test]
    fn a_long_sentence_is_cut() {
        let (one, other) = pair().expect("a pair");
        let word = Word::Failed("ö".repeat(WORD_OCTETS));
        send(one.as_fd(), &word, &[]).expect("said");
        let Word::Failed(heard) = hear(&other, RecvFlags::empty()).expect("heard").word else {
            panic!("another word");
        };
        assert!(heard.len() > WORD_OCTETS - 16 && heard.chars().all(|c| c == 'ö'));
    }
}
