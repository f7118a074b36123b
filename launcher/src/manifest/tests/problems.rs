//! Every wrong manifest of the corpus, and every line that is said of it.

use super::corpus::{FULL, GOOD, bad};
use super::load;

#[test]
fn what_is_wrong_is_said_in_these_words() {
    let mut expected = String::new();
    let mut found = String::new();
    for row in bad() {
        let problems = load(&row.text).expect_err(&row.line);
        let tell = |told: &mut String, lines: &[String]| {
            let lines: String = lines.iter().map(|line| format!("! {line}\n")).collect();
            told.push_str(&format!("{}\n{lines}\n", row.line));
        };
        tell(&mut expected, &row.problems);
        tell(&mut found, &problems);
    }
    assert!(found == expected, "bad.txt should say:\n\n{found}");
}

#[test]
fn every_problem_names_file_place_and_remedy() {
    for row in bad() {
        for problem in load(&row.text).expect_err(&row.line) {
            let rest = problem.strip_prefix("m.json: ").expect("the file");
            let (what, remedy) = rest.split_once("; ").expect("what to write");
            assert!(!what.is_empty() && !remedy.is_empty(), "{problem}");
            assert!(!problem.contains("hunter2"), "a value is shown: {problem}");
            assert!(
                !problem.contains("0123456789"),
                "a value is shown: {problem}"
            );
            assert!(!problem.chars().any(char::is_control), "{problem:?}");
        }
    }
}

#[test]
fn what_is_right_is_taken() {
    for text in GOOD.into_iter().chain([FULL]) {
        assert_eq!(load(text).err(), None, "{text}");
    }
}
