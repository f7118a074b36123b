use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn slot(source: TokenRef) -> Slot {
    Slot {
        name: "CRED_PROXY_TOKEN_0".to_owned(),
        source,
        routes: vec!["/gh-api/".to_owned(), "/gh-git/".to_owned()],
    }
}

fn command(words: &[&str]) -> TokenRef {
    TokenRef::Command(words.iter().map(|word| (*word).to_owned()).collect())
}

/// The one record, or the sentences.
fn told(source: TokenRef, home: &Path) -> Result<String, Vec<String>> {
    let values = read(&[slot(source)], home)?;
    let records = records(&values);
    assert_eq!(records.capacity(), records.len(), "it has not grown");
    Ok(String::from_utf8(records.to_vec()).expect("ASCII"))
}

const REMEDY: &str = "; mend it, or take out what uses it: /gh-api/, /gh-git/";

#[test]
fn a_variable_that_is_unset_is_named_with_its_routes() {
    let source = TokenRef::Variable("BOTTLE_TEST_NO_SUCH_VARIABLE".to_owned());
    assert_eq!(
        told(source, Path::new("/")),
        Err(vec![format!(
            "the variable BOTTLE_TEST_NO_SUCH_VARIABLE is unset{REMEDY}"
        )])
    );
    // Every Unix process of a person has it, and a path is visible ASCII.
    let path = env::var("PATH").expect("PATH");
    assert_eq!(
        told(TokenRef::Variable("PATH".to_owned()), Path::new("/")),
        Ok(format!("CRED_PROXY_TOKEN_0={path}\0"))
    );
}

#[test]
fn a_file_is_read_below_the_home_and_trimmed() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("token");
    let source = || TokenRef::File("~/token".to_owned());
    let at_bound = vec![b'x'; TOKEN_OCTETS];
    let past_bound = vec![b'x'; TOKEN_OCTETS + 1];
    let has =
        |what: &str| format!("the token file ~/token has {what} in it, so it is no token{REMEDY}");
    for (content, expected) in [
        (&b" s3cret\r\n\n"[..], Ok("s3cret".to_owned())),
        (&at_bound, Ok("x".repeat(TOKEN_OCTETS))),
        (
            &past_bound,
            Err(format!(
                "the token file ~/token is longer than {TOKEN_OCTETS} octets{REMEDY}"
            )),
        ),
        (b"", Err(format!("the token file ~/token is empty{REMEDY}"))),
        (
            b" \n",
            Err(format!("the token file ~/token is empty{REMEDY}")),
        ),
        (b"s3\ncret", Err(has("a line break"))),
        (b"s3\rcret", Err(has("a line break"))),
        (b"s3\0cret", Err(has("a NUL"))),
        (b"s3 cret", Err(has("white space"))),
        (b"s3\xffcret", Err(has("an octet outside visible ASCII"))),
    ] {
        fs::write(&path, content).expect("written");
        let expected = expected
            .map(|token| format!("CRED_PROXY_TOKEN_0={token}\0"))
            .map_err(|sentence| vec![sentence]);
        assert!(told(source(), home.path()) == expected, "{expected:.80?}");
    }
    fs::remove_file(&path).expect("removed");
    let gone = told(source(), home.path()).expect_err("gone");
    assert!(
        gone[0].starts_with("the token file ~/token cannot be read: "),
        "{gone:?}"
    );
}

#[test]
fn a_command_is_run_in_the_home_and_its_output_never_told() {
    let home = tempfile::tempdir().expect("a folder");
    fs::write(home.path().join("here"), "s3cret\n").expect("written");
    assert_eq!(
        told(command(&["cat", "here"]), home.path()),
        Ok("CRED_PROXY_TOKEN_0=s3cret\0".to_owned())
    );
    let fails = command(&["sh", "-c", "echo s3cret; echo not logged in >&2; exit 1"]);
    let problems = told(fails, home.path()).expect_err("failed");
    // The words are the manifest's own, and are shown.
    assert_eq!(
        problems,
        [format!(
            "the command `sh -c echo s3cret; echo not logged in >&2; exit 1` ended with 1: not logged in{REMEDY}"
        )]
    );
}

#[test]
fn all_tokens_together_fit_the_engines_limit() {
    let home = tempfile::tempdir().expect("a folder");
    fs::write(home.path().join("long"), vec![b'x'; TOKEN_OCTETS]).expect("written");
    let slots = |count| vec![slot(TokenRef::File("~/long".to_owned())); count];
    let count = TOKEN_RECORDS_OCTETS / TOKEN_OCTETS;
    assert!(read(&slots(count - 1), home.path()).is_ok());
    let problems = read(&slots(count), home.path()).err().expect("too long");
    assert_eq!(
        problems,
        ["all tokens together are longer than 1048576 octets"]
    );
}

#[test]
fn files_that_everybody_reads_or_nobody_has_are_warned_of() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("token");
    let slots = [
        slot(TokenRef::File("~/token".to_owned())),
        slot(command(&["false"])),
    ];
    let missing = warnings(&slots, home.path());
    assert!(
        missing.len() == 1 && missing[0].contains("cannot be read"),
        "{missing:?}"
    );
    fs::write(&path, "s3cret").expect("written");
    let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
    set(0o644);
    let open = warnings(&slots, home.path());
    assert_eq!(
        open,
        [format!(
            "everybody on this host may read the token file {}: run `chmod 600` on it",
            path.display()
        )]
    );
    set(0o640);
    assert_eq!(warnings(&slots, home.path()), [""; 0]);
}
