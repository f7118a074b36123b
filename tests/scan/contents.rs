//! Files that a scan passes over, and what tells a scanner to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::stage::Stage;

#[test]
fn no_kind_of_file_is_passed_over() {
    let Some(stage) = Stage::for_test("no kind of file is passed over") else {
        return;
    };
    for path in [
        "image.svg",
        "package-lock.json",
        "node_modules/a/b.js",
        "vendor/a/b.go",
        "go.sum",
        "image.png",
        "archive.zip",
        "gitleaks.toml",
        ".git-blame-ignore-revs",
    ] {
        stage.commit(&[(path, format!("\"k\": \"{}\"\n", stage.key()).as_bytes())]);
        stage.push(&["main"]).finds(&format!("{path}:1, commit "));
        stage.git(&["reset", "-q", "--hard", "HEAD~1"]);
    }
}

#[test]
fn what_looks_binary_or_like_an_archive_is_text_too() {
    let Some(stage) = Stage::for_test("what looks binary or like an archive is text too") else {
        return;
    };
    let at = |offset: usize, magic: &[u8]| {
        let mut octets = vec![b'x'; 40_000];
        octets[offset..offset + magic.len()].copy_from_slice(magic);
        octets
    };
    for start in [
        b"\0\x01\x02\xff\xfe\0\0".to_vec(),
        b"PK\x03\x04".to_vec(),
        b"\x1f\x8b\x08".to_vec(),
        b"7z\xbc\xaf\x27\x1c".to_vec(),
        b"\x7fELF\x02\x01\x01".to_vec(),
        b"%PDF-1.7\n".to_vec(),
        at(257, b"ustar\x0000"),
        at(0x8001, b"CD001"),
    ] {
        let content = [&start, &b"\n\0\xff"[..], stage.key().as_bytes(), b"\0\n"].concat();
        stage.commit(&[("file", &content)]);
        stage.push(&["main"]).refuses("github-pat in file:");
        // Nothing but that in the push.
        let blob = stage.object("blob", &content);
        stage
            .push(&[&format!("{blob}:refs/tags/blob")])
            .refuses("github-pat in blob ");
        stage.git(&["reset", "-q", "--hard", "HEAD~1"]);
    }
}

#[test]
fn nothing_at_the_front_makes_an_archive_of_all() {
    let test = "nothing at the front makes an archive of all";
    let Some(stage) = Stage::for_test(test) else {
        return;
    };
    // A tape archive has this word at its 257th octet, wherever the file begins.
    for shift in 0..5 {
        let content = [
            "-".repeat(shift),
            "ustar".repeat(1000),
            format!("\n{}", stage.key()),
        ];
        let blob = stage.object("blob", content.concat().as_bytes());
        let pushed = stage.push(&[&format!("{blob}:refs/tags/blob")]);
        pushed.finds(&format!("blob {}:2", &blob[..10]));
    }
}

#[test]
fn rules_for_files_of_one_name_hold_for_all() {
    let Some(stage) = Stage::for_test("rules for files of one name hold for all") else {
        return;
    };
    let back = || stage.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let word = STANDARD.encode(stage.key());
    let secret = format!(
        "apiVersion: v1\nkind: Secret\ndata:\n  pw: {}==\n",
        &word[..30]
    );
    stage.commit(&[("a/secret.yaml", secret.as_bytes())]);
    let found = "kubernetes-secret-yaml in a/secret.yaml:";
    stage.push(&["main"]).refuses(found);
    back();
    let line = format!(
        "<add key=\"ClearTextPassword\" value=\"{}\" />\n",
        &word[..20]
    );
    stage.commit(&[("nuget.config", line.as_bytes())]);
    stage
        .push(&["main"])
        .refuses("nuget-config-password in nuget.config:1");
    back();
    // They find nothing where there is nothing.
    let other = b"kind: ConfigMap\ndata:\n  pw: none\n<add key=\"Color\" value=\"blue-green\" />\n";
    stage.commit(&[("other.yaml", other)]);
    stage.push(&["main"]).passes();
}

#[test]
fn attributes_hide_nothing() {
    let Some(stage) = Stage::for_test("attributes hide nothing") else {
        return;
    };
    let attributes = &b"*.txt -diff -text binary export-ignore linguist-generated\n"[..];
    stage.commit(&[(".gitattributes", attributes)]);
    stage.push(&["main"]).passes();
    stage.commit(&[("a.txt", stage.key().as_bytes())]);
    stage.push(&["main"]).finds("a.txt:1");
}

#[test]
fn nobody_who_pushes_can_allow_a_secret() {
    let Some(mut stage) = Stage::for_test("nobody who pushes can allow a secret") else {
        return;
    };
    let rules = "[allowlist]\nregexes = ['''.*''']\npaths = ['''.*''']\n";
    let file = stage.folder().join("rules.toml");
    std::fs::write(&file, rules).expect("written");
    stage.variable("GITLEAKS_CONFIG", file.to_str().expect("UTF-8"));
    stage.variable("GITLEAKS_CONFIG_TOML", rules);
    let line = format!("k = \"{}\" # gitleaks:allow\n", stage.key());
    let id = ":github-pat:1\nfile:github-pat:1\n.gitleaksignore:github-pat:1\n";
    let files = [
        (".gitleaks.toml", rules.as_bytes()),
        (".gitleaksignore", id.as_bytes()),
        ("file", line.as_bytes()),
    ];
    stage.commit(&files);
    stage.push(&["main"]).finds("file:1, commit ");
}

#[test]
fn text_of_two_octets_a_letter_is_text() {
    let Some(stage) = Stage::for_test("text of two octets a letter is text") else {
        return;
    };
    for (start, is_big) in [
        (&b"\xff\xfe"[..], false),
        (b"\xfe\xff", true),
        (b"", false),
        (b"", true),
        // At an odd place, behind something else.
        (b"\x89PNG\r\n\x1a\n\xff", false),
        (b"\x89PNG\r\n\x1a\n\xff", true),
    ] {
        // Read in the other order, one octet further, it lacks its first letter or its last.
        let text = match is_big {
            true => format!("größe = {}", stage.key()),
            false => format!("{} = größe", stage.key()),
        };
        let octets = |unit: u16| {
            if is_big {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            }
        };
        let text = text.encode_utf16().flat_map(octets);
        let content: Vec<u8> = start.iter().copied().chain(text).collect();
        stage.commit(&[("file", &content)]);
        let pushed = stage.push(&["main"]);
        pushed.finds("file:");
        stage.git(&["reset", "-q", "--hard", "HEAD~1"]);
    }
}

#[test]
fn the_line_that_is_told_is_the_file_s() {
    let Some(stage) = Stage::for_test("the line that is told is the file's") else {
        return;
    };
    // Blank lines, lone carriage returns, form feeds, what the feed has between its pieces.
    let filler = "x\n\n\r\n\x0c\n\u{1d}\n\n\n \t\na\rb\rc\n\u{2028}\u{85}\x0b\n";
    let before = filler.repeat(3_000);
    let text = format!("{before}k = {}\n{before}", stage.key());
    stage.commit(&[("file", text.as_bytes())]);
    let line = before.matches('\n').count() + 1;
    stage
        .push(&["main"])
        .finds(&format!("file:{line}, commit "));
}

#[test]
fn nothing_is_found_that_is_in_no_object() {
    let Some(stage) = Stage::for_test("nothing is found that is in no object") else {
        return;
    };
    // An assignment at the end of one file, and a value at the beginning of all others.
    let value = stage.key().replace("ghp_", "");
    for number in 0..20 {
        stage.commit(&[
            (
                &format!("{number}/a"),
                format!("{number}\napi_key =").as_bytes(),
            ),
            (
                &format!("{number}/b"),
                format!("{value}{number}\n").as_bytes(),
            ),
        ]);
    }
    stage.push(&["main"]).passes();
}
