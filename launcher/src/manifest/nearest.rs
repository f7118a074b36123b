//! The known word that a misspelt one was most likely meant to be.

/// The one that the word begins with, or else the nearest of `known`, unless all are far: more
/// than a third of the letters differ.
pub(super) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // The cost is the product of two lengths, and a key may be as long as a file.
    if word.len() > 64 {
        return None;
    }
    let word = word.to_ascii_lowercase().replace('-', "_");
    let known: Vec<&str> = known.into_iter().collect();
    let is_longer = |known: &&&str| known.len() > 2 && word.starts_with(&known.replace('-', "_"));
    if let Some(known) = known.iter().find(is_longer) {
        return Some(known);
    }
    known
        .into_iter()
        .map(|known| (distance(&word, &known.replace('-', "_")), known))
        .filter(|(distance, known)| *distance * 3 <= known.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// `; did you mean "…"?`, or nothing.
pub(super) fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    match nearest(word, known) {
        Some(known) => format!("; did you mean {known:?}?"),
        None => String::new(),
    }
}

/// How many letters must be put in, left out, changed, or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, right) in b.iter().enumerate() {
            let changed = last[j] + usize::from(left != right);
            let mut best = changed.min(last[j + 1] + 1).min(row[j] + 1);
            let swapped = i > 0 && j > 0 && *left == b[j - 1] && a[i - 1] == *right;
            if swapped {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_counted() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("prompt", "promt", 1),
            ("workdir", "wokrdir", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn a_slip_finds_its_word_and_nonsense_none() {
        let known = ["bottle", "prompt", "workdir"];
        assert_eq!(nearest("wrokdir", known), Some("workdir"));
        assert_eq!(nearest("Bottle", known), Some("bottle"));
        assert_eq!(nearest("bottles_of_mine", known), Some("bottle"));
        assert_eq!(nearest("image", known), None);
        assert_eq!(nearest(&"x".repeat(1 << 20), known), None);
        assert_eq!(did_you_mean("promt", known), "; did you mean \"prompt\"?");
        assert_eq!(did_you_mean("", known), "");
    }
}
