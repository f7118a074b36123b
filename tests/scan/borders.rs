//! Where a scan cuts what it reads: nothing may be lost there.

use std::fmt::Write as _;

use crate::stage::Stage;

#[test]
fn none_of_twenty_thousand_keys_is_lost() {
    let Some(stage) = Stage::for_test("none of twenty thousand keys is lost") else {
        return;
    };
    let keys: Vec<String> = (0..20_000).map(|_| stage.key()).collect();
    // No blank line among them: wherever the scanner cuts, it cuts a key.
    stage.commit(&[("keys", (keys.join("\n") + "\n").as_bytes())]);
    stage
        .push(&["main"])
        .refuses("what look like 20000 secrets are in it");
}

#[test]
fn a_key_is_found_at_every_border_of_a_line_without_end() {
    let Some(stage) = Stage::for_test("a key is found at every border of a line without end")
    else {
        return;
    };
    // A piece has 16,384 octets and begins 12,288 behind the one before. Each file has one key,
    // one octet further.
    for offset in (12_200..12_400).chain(16_250..16_450) {
        let content = [
            "x".repeat(offset - 1),
            format!(" {} ", stage.key()),
            "y".repeat(9_000),
        ];
        let path = stage.work().join(format!("{offset}"));
        std::fs::write(path, content.concat()).expect("written");
    }
    stage.commit(&[]);
    stage
        .push(&["main"])
        .refuses("what look like 400 secrets are in it");
}

#[test]
fn a_private_key_with_a_blank_line_is_never_cut() {
    let Some(stage) = Stage::for_test("a private key with a blank line is never cut") else {
        return;
    };
    let begin = ["-----BEGIN RSA ", "PRIVATE KEY-----"].concat();
    let end = begin.replace("BEGIN", "END");
    let mut text = String::new();
    for number in 0..1_000 {
        let line = format!("{number:04}{}\n", "MIIEpAIBAAKCAQEA".repeat(3));
        let head = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0\n\n";
        let _ = writeln!(text, "{begin}\n{head}{}{end}", line.repeat(3));
    }
    stage.commit(&[("keys", text.as_bytes())]);
    stage
        .push(&["main"])
        .refuses("what look like 1000 secrets are in it");
}

#[test]
fn a_key_is_found_at_every_border_of_wide_text() {
    let Some(stage) = Stage::for_test("a key is found at every border of wide text") else {
        return;
    };
    let mut text = String::new();
    for _ in 0..2_000 {
        let _ = write!(text, "{} ", stage.key());
    }
    // 82,000 letters in one line; each key on a line of its own tells them apart.
    let text = text.replace(' ', "\n");
    let content: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    stage.commit(&[("wide", &content)]);
    stage
        .push(&["main"])
        .refuses("what look like 2000 secrets are in it");
}

#[test]
fn many_small_commits_are_scanned_each() {
    let Some(stage) = Stage::for_test("many small commits are scanned each") else {
        return;
    };
    for number in 0..100 {
        let text = if number == 57 {
            stage.key()
        } else {
            format!("text {number}")
        };
        stage.commit(&[("file", text.as_bytes())]);
    }
    stage.push(&["main"]).finds("file:1, commit ");
}
