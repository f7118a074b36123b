//! How the engine puts standard output and standard error into one stream: frames of a kind,
//! three octets of nothing, a length of four octets, and that many octets.

use bytes::{Buf, BytesMut};

use super::{Output, Stream};

/// Octets of a frame's head.
const HEAD: usize = 8;

/// Takes frames apart, as they come: what has arrived of one is given at once.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// The frame under way, and how much of it is still to come.
    current: Option<(Stream, usize)>,
}

/// The engine sent what is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoFrame(u8);

impl std::fmt::Display for NoFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "it sent a frame of the unknown kind {}", self.0)
    }
}

impl Frames {
    /// Takes the next piece out of `buffer`; none if more has to arrive.
    pub(super) fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Output>, NoFrame> {
        loop {
            let (stream, left) = match self.current.take() {
                Some(current) => current,
                None => match head(buffer)? {
                    Some(head) => head,
                    None => return Ok(None),
                },
            };
            if left == 0 {
                continue;
            }
            let length = left.min(buffer.len());
            let octets = buffer.split_to(length).freeze();
            self.current = Some((stream, left - length)).filter(|(_, left)| *left > 0);
            return Ok(Some(Output { stream, octets }).filter(|output| !output.octets.is_empty()));
        }
    }
}

fn head(buffer: &mut BytesMut) -> Result<Option<(Stream, usize)>, NoFrame> {
    if buffer.len() < HEAD {
        return Ok(None);
    }
    let kind = buffer.get_u32().to_be_bytes()[0];
    let length = usize::try_from(buffer.get_u32()).unwrap_or(usize::MAX);
    match kind {
        // 0 is standard input, which engines echo on the output's side.
        0 | 1 => Ok(Some((Stream::Output, length))),
        2 => Ok(Some((Stream::Error, length))),
        unknown => Err(NoFrame(unknown)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIRE: &[u8] = b"\x01\0\0\0\0\0\0\x03abc\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\x02!\x00";

    fn all(step: usize) -> (Vec<u8>, Vec<u8>) {
        let (mut frames, mut buffer) = (Frames::default(), BytesMut::new());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        for piece in WIRE.chunks(step) {
            buffer.extend_from_slice(piece);
            while let Some(output) = frames.next(&mut buffer).expect("frames") {
                match output.stream {
                    Stream::Output => out.extend_from_slice(&output.octets),
                    Stream::Error => err.extend_from_slice(&output.octets),
                }
            }
        }
        assert!(buffer.is_empty());
        (out, err)
    }

    #[test]
    fn frames_are_taken_apart_whole_and_at_every_split() {
        for step in 1..=WIRE.len() {
            assert_eq!(
                all(step),
                (b"abc".to_vec(), b"!\0".to_vec()),
                "steps of {step}"
            );
        }
    }

    #[test]
    fn what_has_arrived_is_given_before_its_frame_is_whole() {
        let mut buffer = BytesMut::from(&WIRE[..9]);
        let output = Frames::default()
            .next(&mut buffer)
            .expect("a frame")
            .expect("a piece");
        assert_eq!(&output.octets[..], b"a");
    }

    #[test]
    fn an_unknown_kind_is_an_error() {
        let mut buffer = BytesMut::from(&b"\x07\0\0\0\0\0\0\x03abc"[..]);
        assert_eq!(Frames::default().next(&mut buffer), Err(NoFrame(7)));
    }
}
