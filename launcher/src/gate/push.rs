//! What receive-pack tells its proc-receive hook of a push, and how it is answered:
//! githooks(5), "proc-receive".

use std::io::{self, Read, Write};

use super::limits::{COMMANDS_OCTETS, REASON_LETTERS};
use super::pkt_line;

/// One push: what a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Push {
    /// In the client's order.
    pub(super) commands: Vec<RefCommand>,
    /// All or none of them.
    pub(super) atomic: bool,
}

/// One ref, as gitprotocol-pack(5) has it in a reference update request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RefCommand {
    /// What the client says that it is; zeros: it is not there.
    pub(super) old: String,
    /// What it is to be; zeros: not to be there.
    pub(super) new: String,
    /// The ref. It may be any text.
    pub(super) name: String,
}

/// What became of a ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Upstream has it so.
    Arrived,
    /// It stays as it was, for this reason.
    Refused(String),
}

impl RefCommand {
    fn parse(line: &[u8]) -> Option<RefCommand> {
        let line = str::from_utf8(line).ok()?;
        let (old, rest) = line.split_once(' ')?;
        let (new, name) = rest.split_once(' ')?;
        let is_id = |id: &str| matches!(id.len(), 40 | 64) && id.bytes().all(is_digit);
        (is_id(old) && is_id(new)).then(|| RefCommand {
            old: old.to_owned(),
            new: new.to_owned(),
            name: name.to_owned(),
        })
    }

    /// Is it to go?
    pub(super) fn deletes(&self) -> bool {
        is_zeros(&self.new)
    }

    /// Does the client think that it is not there?
    pub(super) fn creates(&self) -> bool {
        is_zeros(&self.old)
    }

    /// What `git push` is told to do.
    pub(super) fn refspec(&self) -> String {
        let source = if self.deletes() { "" } else { &self.new };
        format!("{source}:{}", self.name)
    }

    /// Does a listing of git-ls-remote(1) show the ref as it is to be?
    pub(super) fn is_so_in(&self, listing: &str) -> bool {
        let mut lines = listing.lines().filter_map(|line| line.split_once('\t'));
        match lines.find(|(_, name)| *name == self.name) {
            Some((value, _)) => value == self.new,
            None => self.deletes(),
        }
    }
}

fn is_digit(octet: u8) -> bool {
    matches!(octet, b'0'..=b'9' | b'a'..=b'f')
}

fn is_zeros(id: &str) -> bool {
    id.bytes().all(|octet| octet == b'0')
}

impl Push {
    /// Agrees on the version, and reads.
    ///
    /// # Errors
    ///
    /// The streams', or a push that is not understood or not served: with a sentence.
    pub(super) fn read(input: &mut impl Read, output: &mut impl Write) -> io::Result<Push> {
        let mut capabilities = Vec::new();
        while let Some(line) = pkt_line::read(input)? {
            let mut parts = line.split(|octet| *octet == 0);
            if parts.next() == Some(b"version=1") {
                capabilities = parts.next().unwrap_or_default().to_vec();
            }
        }
        let has = |name: &[u8]| {
            capabilities
                .split(|octet| *octet == b' ')
                .any(|one| one == name)
        };
        if has(b"push-options") {
            // They would steer the forge: merge, skip its CI. receive-pack does not offer them
            // unless a mirror's settings were changed.
            return Err(io::Error::other(
                "push options are not forwarded: push without them",
            ));
        }
        // What we do not name is not used with us.
        pkt_line::write(output, b"version=1\n")?;
        pkt_line::write_flush(output)?;

        let (mut commands, mut octets) = (Vec::new(), 0);
        while let Some(line) = pkt_line::read(input)? {
            octets += line.len();
            if octets > COMMANDS_OCTETS {
                return Err(io::Error::other(
                    "too many refs at once: push some of them first",
                ));
            }
            let command = RefCommand::parse(&line);
            commands.push(command.ok_or_else(|| io::Error::other("a ref's name is not UTF-8"))?);
        }
        let atomic = has(b"atomic");
        Ok(Push { commands, atomic })
    }

    /// Answers, a fate a command.
    ///
    /// # Errors
    ///
    /// The output's: the client has gone.
    pub(super) fn answer(&self, fates: &[Fate], output: &mut impl Write) -> io::Result<()> {
        for (command, fate) in self.commands.iter().zip(fates) {
            let line = match fate {
                Fate::Arrived => format!("ok {}", command.name),
                Fate::Refused(reason) => {
                    format!("ng {} {}", command.name, one_line(reason))
                }
            };
            pkt_line::write(output, line.as_bytes())?;
        }
        pkt_line::write_flush(output)
    }
}

/// A reason may quote upstream.
fn one_line(reason: &str) -> String {
    let start: String = reason.chars().take(REASON_LETTERS).collect();
    crate::visible::visible(start.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "1111111111111111111111111111111111111111";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    fn read(lines: &[&[&[u8]]]) -> Result<(Push, Vec<u8>), String> {
        let mut input = Vec::new();
        for list in lines {
            for line in *list {
                pkt_line::write(&mut input, line).expect("room");
            }
            pkt_line::write_flush(&mut input).expect("room");
        }
        let mut output = Vec::new();
        let push = Push::read(&mut input.as_slice(), &mut output);
        push.map(|push| (push, output))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_push_is_read_and_answered() {
        let create = format!("{ZERO} {OLD} refs/heads/a b");
        let delete = format!("{OLD} {ZERO} refs/tags/t");
        let commands: &[&[u8]] = &[create.as_bytes(), delete.as_bytes()];
        let (push, said) = read(&[&[b"version=1\0atomic\n"], commands]).expect("a push");
        assert_eq!(said, b"000eversion=1\n0000");
        assert!(push.atomic);
        assert!(push.commands[0].creates() && !push.commands[0].deletes());
        assert_eq!(push.commands[0].name, "refs/heads/a b");
        assert!(push.commands[1].deletes() && !push.commands[1].creates());

        let mut answer = Vec::new();
        let fates = [Fate::Arrived, Fate::Refused(" no\n\u{1b}[1mway".to_owned())];
        push.answer(&fates, &mut answer).expect("room");
        let expected = b"0015ok refs/heads/a b0026ng refs/tags/t no\\u{a}\\u{1b}[1mway0000";
        assert_eq!(
            answer.escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );
    }

    #[test]
    fn no_capability_is_needed() {
        let line = format!("{ZERO} {OLD} refs/heads/a");
        let (push, _) = read(&[&[b"version=1\n"], &[line.as_bytes()]]).expect("a push");
        assert!(!push.atomic);
    }

    #[test]
    fn so_many_octets_of_commands_are_taken_and_no_more() {
        let command = |octets: usize| {
            let text = format!("{ZERO} {OLD} refs/heads/");
            let name = "a".repeat(octets - text.len());
            text + &name
        };
        let last = COMMANDS_OCTETS % 50_000;
        let mut lines = vec![command(50_000); COMMANDS_OCTETS / 50_000];
        lines.push(command(last));
        let read_all = |lines: &[String]| {
            let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
            read(&[&[b"version=1"], &lines]).map(|(push, _)| push.commands.len())
        };
        assert_eq!(read_all(&lines), Ok(lines.len()));
        lines.pop();
        lines.push(command(last + 1));
        let told = read_all(&lines).expect_err("one octet more");
        assert!(told.contains("too many refs at once"), "{told}");
    }

    #[test]
    fn a_reason_is_told_up_to_its_limit() {
        let reason = |letters| one_line(&"ß".repeat(letters)).chars().count();
        assert_eq!(reason(REASON_LETTERS), REASON_LETTERS);
        assert_eq!(reason(REASON_LETTERS + 1), REASON_LETTERS);
        // However it is escaped, it fits in a pkt-line with the longest of names.
        let escaped = one_line(&"\u{10ffff}".repeat(REASON_LETTERS));
        assert!(
            escaped.len() < pkt_line::DATA_OCTETS / 2,
            "{}",
            escaped.len()
        );
    }

    #[test]
    fn a_long_reason_is_cut() {
        let line = format!("{ZERO} {OLD} refs/heads/a");
        let (push, _) = read(&[&[b"version=1\n"], &[line.as_bytes()]]).expect("a push");
        let mut answer = Vec::new();
        let reason = "\u{1b}".repeat(1_000_000);
        push.answer(&[Fate::Refused(reason)], &mut answer)
            .expect("it fits");
        assert!(answer.len() < 10_000);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_a_sentence() {
        let many = format!("{ZERO} {OLD} refs/heads/{}", "a".repeat(60_000));
        let many: Vec<&[u8]> = vec![many.as_bytes(); 5];
        let cases: [(&[&[&[u8]]], &str); 5] = [
            (
                &[&[b"version=1\0push-options atomic"]],
                "push options are not forwarded",
            ),
            (&[&[b"version=1"], &[b"1 2 refs/heads/a"]], "not UTF-8"),
            (&[&[b"version=1"], &[b""]], "not UTF-8"),
            (&[&[b"version=1"], &many], "too many refs at once"),
            (&[&[b"version=1"]], "fill whole buffer"),
        ];
        for (lines, part) in cases {
            let told = read(lines).expect_err(part);
            assert!(told.contains(part), "{told}");
        }
    }
}
