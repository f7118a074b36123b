//! The launcher as a person calls it, where no engine is needed, or none is there.

use std::fs;
use std::path::Path;

use harness::Finished;
use harness::program::Program;

/// A user's home, and a directory to be worked on.
struct Person {
    home: tempfile::TempDir,
}

impl Person {
    fn new() -> Person {
        let home = tempfile::tempdir().expect("a folder");
        fs::create_dir(home.path().join("work")).expect("a folder");
        Person { home }
    }

    fn path(&self, name: &str) -> String {
        self.home.path().join(name).display().to_string()
    }

    fn runs(&self, words: &[&str]) -> Finished {
        let nobody = format!("unix://{}", self.path("docker.sock"));
        let program = Program::new(Path::new(env!("CARGO_BIN_EXE_bottle")), self.home.path());
        let program = program.args(words).env("DOCKER_HOST", nobody);
        program.within(&self.home.path().join("work")).run()
    }
}

const MANIFEST: &str = ".config/bottle/manifest.json";

#[test]
fn the_first_commands_lead_to_a_plan() {
    let person = Person::new();
    let written = person.runs(&["init"]);
    assert_eq!(written.code(), 0, "{written:#?}");
    assert!(
        written.stdout.contains(&person.path(MANIFEST)),
        "{written:#?}"
    );
    assert!(written.stdout.contains("bottle start dev"), "{written:#?}");
    let manifest = fs::read(person.path(MANIFEST)).expect("an example");
    let again = person.runs(&["init"]);
    assert_eq!((again.code(), again.stdout.as_str()), (2, ""), "{again:#?}");
    assert!(again.stderr.contains("stays as it is"), "{again:#?}");
    assert_eq!(
        fs::read(person.path(MANIFEST)).expect("the example"),
        manifest
    );

    let checked = person.runs(&["check"]);
    assert_eq!(checked.code(), 0, "{checked:#?}");
    for word in ["BOTTLE", "AGENT", "dev", "bind"] {
        assert!(checked.stdout.contains(word), "{word}: {checked:#?}");
    }
    // What is asked for by name is not asked whether it is there.
    for (backend, image) in [("docker", "bottle-claude:"), ("local", "none: ")] {
        let told = person.runs(&["info", "dev", "--backend", backend]);
        let row = format!("Backend    {backend}\nImage      {image}");
        assert!(told.stdout.contains(&row), "{row:?}: {told:#?}");
    }
    let told = person.runs(&["info", "dev"]);
    assert_eq!(told.code(), 0, "{told:#?}");
    for line in [
        "Agent      dev",
        "Backend    local (no Docker Engine answers",
        "/anthropic/ → https://api.anthropic.com with CLAUDE_CODE_OAUTH_TOKEN",
        "Warning: GH_PAT is unset or empty",
    ] {
        assert!(told.stdout.contains(line), "{line:?}: {told:#?}");
    }
    assert!(!Path::new(&person.path(".local")).exists(), "no state");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let person = Person::new();
    let nobody = person.runs(&["info", "nobody"]);
    assert_eq!((nobody.code(), nobody.stdout.as_str()), (2, ""));
    assert!(nobody.stderr.contains("nobody"), "{nobody:#?}");

    assert_eq!(person.runs(&["init"]).code(), 0);
    let wrong =
        r#"{ "bottles": { "dev": { "tokns": [] } }, "agents": { "a": { "bottle": "x" } } }"#;
    fs::write(person.path(MANIFEST), wrong).expect("written");
    for words in [&["check"][..], &["info", "a"], &["start", "a", "--yes"]] {
        let refused = person.runs(words);
        assert_eq!(
            (refused.code(), refused.stdout.as_str()),
            (2, ""),
            "{words:?}"
        );
        let in_file = |text: &str| {
            let file = person.path(MANIFEST);
            let mut lines = refused.stderr.lines();
            lines.any(|line| line.contains(&file) && line.contains(text))
        };
        // All of a file's are told at once.
        assert!(in_file("bottles.dev") && in_file("tokens"), "{refused:#?}");
        assert!(in_file("agents.a.bottle"), "{refused:#?}");
    }
}

#[test]
fn without_an_engine_a_sentence_says_whose_bottles_are_not_looked_at() {
    let person = Person::new();
    let head = "SLUG  AGENT  AGE  STATE  CRED-PROXY  GIT-GATE\n";
    for (words, out, sentences) in [(&["list"], head, 1), (&["cleanup"], "", 2)] {
        let told = person.runs(words);
        assert_eq!((told.code(), told.stdout.as_str()), (0, out), "{words:?}");
        assert_eq!(told.stderr.lines().count(), sentences, "{told:#?}");
        assert!(told.stderr.contains("not looked at"), "{told:#?}");
        assert!(told.stderr.contains("docker.sock"), "{told:#?}");
    }
    let told = person.runs(&["logs", "a-22222"]);
    assert_eq!((told.code(), told.stdout.as_str()), (1, ""), "{told:#?}");
    for word in ["docker.sock", "apt-get install docker.io"] {
        assert!(told.stderr.contains(word), "{told:#?}");
    }
}
