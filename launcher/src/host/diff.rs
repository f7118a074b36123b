//! Two texts, line by line.

use core::fmt::Write as _;

use crate::limits::DIFF_LINES;

/// Lines of what did not change that are shown around what did.
const CONTEXT: usize = 3;

/// The lines of both: `-` gone, `+` new, two spaces the same; `…` stands for many of those.
pub(super) fn lines(before: &[String], after: &[String]) -> String {
    if before.len() > DIFF_LINES || after.len() > DIFF_LINES {
        let (before, after) = (before.len(), after.len());
        return format!("  ({before} lines before, {after} now, too many to compare)\n");
    }
    let marked = marked(before, after);
    let is_near = |at: usize| {
        let from = at.saturating_sub(CONTEXT);
        let to = (at + CONTEXT + 1).min(marked.len());
        marked[from..to].iter().any(|(mark, _)| *mark != ' ')
    };
    let mut text = String::new();
    let mut skipped = false;
    for (at, (mark, line)) in marked.iter().enumerate() {
        if is_near(at) {
            if skipped {
                text.push_str("  …\n");
            }
            skipped = false;
            // Writing to a String fails never.
            let _ = writeln!(text, "{mark} {line}");
        } else {
            skipped = true;
        }
    }
    text
}

/// Every line of either, once, in order.
fn marked<'l>(before: &'l [String], after: &'l [String]) -> Vec<(char, &'l str)> {
    let common = common(before, after);
    let (mut i, mut j) = (0, 0);
    let mut marked = Vec::with_capacity(before.len() + after.len());
    while i < before.len() || j < after.len() {
        if i < before.len() && j < after.len() && before[i] == after[j] {
            marked.push((' ', before[i].as_str()));
            i += 1;
            j += 1;
        } else if j == after.len() || (i < before.len() && common[i + 1][j] >= common[i][j + 1]) {
            marked.push(('-', before[i].as_str()));
            i += 1;
        } else {
            marked.push(('+', after[j].as_str()));
            j += 1;
        }
    }
    marked
}

/// The length of the longest common subsequence behind each pair of places.
fn common(before: &[String], after: &[String]) -> Vec<Vec<u16>> {
    let mut table = vec![vec![0u16; after.len() + 1]; before.len() + 1];
    for i in (0..before.len()).rev() {
        for j in (0..after.len()).rev() {
            table[i][j] = match before[i] == after[j] {
                true => table[i + 1][j + 1] + 1,
                false => table[i + 1][j].max(table[i][j + 1]),
            };
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &str, after: &str) -> String {
        let lines_of = |text: &str| text.chars().map(String::from).collect::<Vec<String>>();
        lines(&lines_of(before), &lines_of(after))
    }

    #[test]
    fn lines_are_gone_new_or_the_same() {
        assert_eq!(told("abc", "abc"), "");
        assert_eq!(told("", "ab"), "+ a\n+ b\n");
        assert_eq!(told("ab", ""), "- a\n- b\n");
        assert_eq!(told("axc", "ayc"), "  a\n- x\n+ y\n  c\n");
        assert_eq!(
            told("0123456789x", "0123456789y"),
            "  …\n  7\n  8\n  9\n- x\n+ y\n"
        );
        assert_eq!(
            told("x123456789y", "X123456789Y"),
            "- x\n+ X\n  1\n  2\n  3\n  …\n  7\n  8\n  9\n- y\n+ Y\n"
        );
    }

    #[test]
    fn only_so_many_lines_are_compared() {
        let many = "x".repeat(DIFF_LINES);
        assert_eq!(told("", &many).lines().count(), DIFF_LINES);
        let more = "x".repeat(DIFF_LINES + 1);
        assert_eq!(
            told("", &more),
            "  (0 lines before, 2001 now, too many to compare)\n"
        );
    }
}
