//! A branch as people make them: small files of text, one a commit.

/// What text is made of.
const WORDS: [&str; 16] = [
    "the", "reader", "waits", "until", "a", "buffer", "returns", "of", "lines", "error", "when",
    "value", "is", "not", "found", "again",
];

/// Octets of a file, about as many as a source file's median.
const FILE_OCTETS: usize = 2_300;

/// A script for `git fast-import`: a branch from `main` on with so many commits, each with a
/// file that no other round has.
pub(super) fn branch(name: &str, round: usize, commits: usize) -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_add(round as u64);
    let mut word = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        WORDS[(state % WORDS.len() as u64) as usize]
    };
    let mut script = String::new();
    for number in 0..commits {
        let mut text = format!("{round} {number}\n");
        while text.len() < FILE_OCTETS {
            text += word();
            text += if text.len() % 7 == 0 { "\n" } else { " " };
        }
        let message = format!("Change {number}\n\n{} {}\n", word(), word());
        script += &format!("commit refs/heads/{name}\n");
        script += "committer Agent <agent@example.test> 1000000 +0000\n";
        script += &format!("data {}\n{message}", message.len());
        if number == 0 {
            script += "from refs/heads/main^0\n";
        }
        let folder = number % 20;
        let path = format!("round{round}/part{folder}/file{number}.txt");
        script += &format!("M 644 inline {path}\ndata {}\n{text}\n", text.len());
    }
    script + "done\n"
}
