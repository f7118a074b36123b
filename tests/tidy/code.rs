//! Just enough of Rust's grammar: comments and literals removed, test code cut off,
//! paths of imports resolved.

/// The code of `text` with comments and the content of literals turned to spaces; lines
/// stay where they were.
pub(crate) fn without_prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = prose_at(rest, out.chars().next_back());
        if length == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let blank = |c: char| if c == '\n' { '\n' } else { ' ' };
        out.extend(rest[..length].chars().map(blank));
        rest = &rest[length..];
    }
    out
}

/// The length of the comment or literal that begins here; 0 if none does.
fn prose_at(rest: &str, before: Option<char>) -> usize {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    if rest.starts_with('"') {
        return quoted(rest, '"');
    }
    if !in_word {
        for prefix in ["r", "br", "cr"] {
            if let Some(after) = rest.strip_prefix(prefix) {
                let hashes = after.len() - after.trim_start_matches('#').len();
                if after[hashes..].starts_with('"') {
                    let end = format!("\"{}", "#".repeat(hashes));
                    let from = prefix.len() + hashes + 1;
                    let at = rest[from..].find(&end);
                    return at.map_or(rest.len(), |at| from + at + end.len());
                }
            }
        }
    }
    if rest.starts_with('\'') {
        // A lifetime has no closing quote behind its first letter.
        let mut letters = rest.chars().skip(1);
        let (first, second) = (letters.next(), letters.next());
        if first == Some('\\') || second == Some('\'') {
            return quoted(rest, '\'');
        }
    }
    0
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The code before its unit tests, which stand last.
pub(crate) fn without_tests(code: &str) -> &str {
    let mut from = 0;
    while let Some(at) = code[from..].find("#[cfg(test)]") {
        let after = code[from + at..]
            .trim_start_matches("#[cfg(test)]")
            .trim_start();
        if after.starts_with("mod ") && !after[..after.find(['{', ';']).unwrap_or(0)].is_empty() {
            let body = after.find(['{', ';']).map(|end| &after[end..end + 1]);
            if body == Some("{") {
                return &code[..from + at];
            }
        }
        from += at + 1;
    }
    code
}

/// Is this whole file for tests?
pub(crate) fn is_test_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    ["tests.rs", "testing.rs"].contains(&name) || path.contains("/tests/")
}

/// Does `word` stand in `code` as a word, or, if it holds `::`, as a path?
pub(crate) fn has(code: &str, word: &str) -> bool {
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        let open = word.starts_with(letter) && before.is_some_and(letter);
        let goes_on = word.ends_with(letter) && after.is_some_and(letter);
        !open && !goes_on
    })
}

/// All paths that `code` writes, with the groups of `use` opened: `use a::{b, c::d}` is
/// `a::b` and `a::c::d`.
pub(crate) fn paths(code: &str) -> Vec<String> {
    let squeezed: String = tight(code);
    let mut found = Vec::new();
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    while at < squeezed.len() {
        let rest = &squeezed[at..];
        let first = rest.chars().next().expect("not at the end");
        let before = &squeezed[..at];
        let begins = !before.ends_with(letter) && !before.ends_with("::");
        if letter(first) && begins {
            let length = tree(rest, "", &mut found);
            at += length.max(first.len_utf8());
        } else {
            at += first.len_utf8();
        }
    }
    found
}

/// `code` with no space around `::`, `{`, `}` and `,`.
fn tight(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    for word in code.split_whitespace() {
        let goes_on = out.is_empty() || out.ends_with("::") || out.ends_with(['{', ',']);
        let joins = word.starts_with("::") || word.starts_with(['{', '}', ',']);
        if !goes_on && !joins {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Reads one path or tree of paths behind `prefix`, and gives its length.
fn tree(text: &str, prefix: &str, found: &mut Vec<String>) -> usize {
    let letter = |c: char| c.is_alphanumeric() || c == '_' || c == '*';
    let mut path = prefix.to_owned();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let word = rest.find(|c| !letter(c)).unwrap_or(rest.len());
        path.push_str(&rest[..word]);
        at += word;
        if !text[at..].starts_with("::") {
            found.push(path);
            return at;
        }
        path.push_str("::");
        at += 2;
        if text[at..].starts_with('{') {
            at += 1;
            while at < text.len() && !text[at..].starts_with('}') {
                let length = tree(&text[at..], &path, found);
                at += length;
                if length == 0 || text[at..].starts_with(' ') {
                    // `as name`, or what is no tree of `use` at all.
                    let end = text[at..].find([',', '}']).unwrap_or(text.len() - at);
                    at += end;
                }
                at += usize::from(text[at..].starts_with(','));
            }
            return (at + 1).min(text.len());
        }
        if !text[at..].starts_with(letter) {
            found.push(path);
            return at;
        }
    }
}

/// The room (first module of the crate) that `path` leads to from the file `from`, as in
/// `crate::room::thing` or `super::super::room`.
pub(crate) fn room_of(path: &str, from: &str) -> Option<String> {
    let mut words = path.split("::").peekable();
    let inside = from.split_once("/src/")?.1;
    let mut module: Vec<&str> = inside.trim_end_matches(".rs").split('/').collect();
    if module.last() == Some(&"mod") {
        module.pop();
    }
    match words.peek().copied() {
        Some("crate") => {
            words.next();
            module.clear();
        }
        Some("super") => {
            while words.next_if_eq(&"super").is_some() {
                module.pop();
            }
        }
        _ => return None,
    }
    module.first().copied().or(words.next()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_no_code() {
        let text =
            "a // todo!\nb /* x /* y */ z */ c \"do \\\" it\" r#\"raw \" one\"# 'x' '\\'' 'a: for";
        let code = without_prose(text);
        let words: Vec<&str> = code.split_whitespace().collect();
        assert_eq!(words, ["a", "b", "c", "'a:", "for"]);
        assert_eq!(code.lines().count(), text.lines().count());
    }

    #[test]
    fn unit_tests_are_cut_off_and_declarations_are_not() {
        assert_eq!(without_tests("a\n#[cfg(test)]\nmod tests {\nb"), "a\n");
        assert_eq!(
            without_tests("a\n#[cfg(test)]\nmod tests;\nb"),
            "a\n#[cfg(test)]\nmod tests;\nb"
        );
        assert_eq!(
            without_tests("#[cfg(test)]\nfn x() {}\nb"),
            "#[cfg(test)]\nfn x() {}\nb"
        );
    }

    #[test]
    fn groups_of_imports_are_opened() {
        let found =
            paths("use crate::{a::B, c::{D, self, e as F}, g};\nlet x = std :: net::X::new();");
        for path in [
            "crate::a::B",
            "crate::c::D",
            "crate::c::e",
            "crate::g",
            "std::net::X::new",
        ] {
            assert!(found.iter().any(|p| p == path), "{path} in {found:?}");
        }
    }

    #[test]
    fn a_room_is_found_from_anywhere() {
        let from = "engine/src/forward/request.rs";
        assert_eq!(
            room_of("crate::policy::Permit", from).as_deref(),
            Some("policy")
        );
        assert_eq!(room_of("super::via::Via", from).as_deref(), Some("forward"));
        assert_eq!(
            room_of("super::super::upstream::X", from).as_deref(),
            Some("upstream")
        );
        assert_eq!(
            room_of("super::upstream", "engine/src/forward/mod.rs").as_deref(),
            Some("upstream")
        );
        assert_eq!(room_of("std::fmt", from), None);
    }

    #[test]
    fn a_word_is_a_whole_word() {
        assert!(has("x unsafe {", "unsafe") && !has("unsafe_code", "unsafe"));
        assert!(has("std::net::X", "std::net") && !has("std::network", "std::net"));
    }
}
