//! One flag and one variable for each limit and deadline, from one table.

use crate::config::Problem;
use crate::limits::{
    CONNECTIONS_CEILING, DEADLINE_CEILING, FIELD_LINES_CEILING, HEAD_OCTETS_CEILING,
    INTERIM_RESPONSES_CEILING, Limits, POOL_CONNECTIONS_CEILING,
};
use clap::{Arg, ArgMatches, Command};
use core::time::Duration;

struct LimitOption {
    flag: &'static str,
    variable: &'static str,
    help: &'static str,
    place: Place,
}

/// Where a value goes, and what it may be.
enum Place {
    /// Octets or a count, from the first number to the second.
    Number(fn(&mut Limits) -> &mut usize, usize, usize),
    /// A millisecond to [`DEADLINE_CEILING`].
    Time(fn(&mut Limits) -> &mut Duration),
}

/// A row is `kind field "flag" "VARIABLE" [least, most] "help";`. A test sees to it that
/// field, flag and variable are one name, and that each field of [`Limits`] has a row.
macro_rules! table {
    ($($kind:ident $field:ident $flag:literal $variable:literal $([$least:expr, $most:expr])? $help:literal;)+) => {
        [$(LimitOption {
            flag: concat!("limit-", $flag),
            variable: concat!("CRED_PROXY_LIMIT_", $variable),
            help: $help,
            place: Place::$kind(|limits| &mut limits.$field $(, $least, $most)?),
        }),+]
    };
}

static TABLE: [LimitOption; 25] = table! {
    Number request_head_octets "request-head-octets" "REQUEST_HEAD_OCTETS" [1, HEAD_OCTETS_CEILING]
        "A whole request head (431)";
    Number request_line_octets "request-line-octets" "REQUEST_LINE_OCTETS" [1, HEAD_OCTETS_CEILING]
        "A request line (414)";
    Number request_field_lines "request-field-lines" "REQUEST_FIELD_LINES" [1, FIELD_LINES_CEILING]
        "Field lines of a request (431)";
    Number response_head_octets "response-head-octets" "RESPONSE_HEAD_OCTETS" [1, HEAD_OCTETS_CEILING]
        "A whole response head (502)";
    Number response_field_lines "response-field-lines" "RESPONSE_FIELD_LINES" [1, FIELD_LINES_CEILING]
        "Field lines of a response (502)";
    Number chunk_line_octets "chunk-line-octets" "CHUNK_LINE_OCTETS" [1, HEAD_OCTETS_CEILING]
        "A chunk-size line with its extensions (400, 502)";
    Number chunk_extension_octets "chunk-extension-octets" "CHUNK_EXTENSION_OCTETS" [0, HEAD_OCTETS_CEILING]
        "All chunk extensions of a message (400, 502)";
    Number trailer_octets "trailer-octets" "TRAILER_OCTETS" [0, HEAD_OCTETS_CEILING]
        "A trailer section (400, 502)";
    Number trailer_lines "trailer-lines" "TRAILER_LINES" [0, FIELD_LINES_CEILING]
        "Field lines of a trailer section (400, 502)";
    Number interim_responses "interim-responses" "INTERIM_RESPONSES" [0, INTERIM_RESPONSES_CEILING]
        "Interim responses before a final one (502)";
    Number connections "connections" "CONNECTIONS" [1, CONNECTIONS_CEILING]
        "Connections of clients, others wait [default: min(4096, (descriptors - 64) / 2)]";
    Number pool_connections "pool-connections" "POOL_CONNECTIONS" [0, POOL_CONNECTIONS_CEILING]
        "Unused upstream connections kept for an origin and credential, per worker";
    Time request_head_time "request-head-time" "REQUEST_HEAD_TIME"
        "From the first octet of a request head to its last (408)";
    Time idle_time "idle-time" "IDLE_TIME"
        "Between two requests of a connection (closed)";
    Time request_body_idle_time "request-body-idle-time" "REQUEST_BODY_IDLE_TIME"
        "A client that sends nothing of its body (408)";
    Time upstream_read_idle_time "upstream-read-idle-time" "UPSTREAM_READ_IDLE_TIME"
        "An upstream that reads nothing of a request (504)";
    Time connect_time "connect-time" "CONNECT_TIME"
        "Connect and TLS handshake (504)";
    Time connect_address_time "connect-address-time" "CONNECT_ADDRESS_TIME"
        "One address among several of a host";
    Time response_head_time "response-head-time" "RESPONSE_HEAD_TIME"
        "From the last progress of a request to the response head (504)";
    Time client_read_idle_time "client-read-idle-time" "CLIENT_READ_IDLE_TIME"
        "A client that reads nothing of a response (closed)";
    Time tunnel_idle_time "tunnel-idle-time" "TUNNEL_IDLE_TIME"
        "A tunnel in which nothing moves (closed)";
    Time linger_idle_time "linger-idle-time" "LINGER_IDLE_TIME"
        "A closing connection on which nothing more comes (closed)";
    Time linger_time "linger-time" "LINGER_TIME"
        "A closing connection in all (closed)";
    Time drain_time "drain-time" "DRAIN_TIME"
        "How long exchanges may go on after SIGTERM";
    Time pool_idle_time "pool-idle-time" "POOL_IDLE_TIME"
        "How long an unused upstream connection is kept";
};

/// The texts that were given, in the order of the table.
pub(super) struct LimitOptions(Vec<Option<String>>);

impl LimitOptions {
    /// Writes what was given into `limits`. Returns the number of connections if that was
    /// among it, for its default is not known here.
    pub(super) fn apply(&self, limits: &mut Limits, problems: &mut Vec<Problem>) -> Option<usize> {
        let mut connections = None;
        for (option, text) in TABLE.iter().zip(&self.0) {
            let Some(text) = text else { continue };
            if let Err(error) = option.apply(text, limits) {
                let place = format_args!("--{} ({})", option.flag, option.variable);
                problems.push(Problem::new(place, error));
            } else if option.flag == "limit-connections" {
                connections = Some(limits.connections);
            }
        }
        connections
    }
}

impl LimitOption {
    fn apply(&self, text: &str, limits: &mut Limits) -> Result<(), String> {
        match &self.place {
            Place::Number(field, least, most) => {
                let number = read_number(text).and_then(|number| usize::try_from(number).ok());
                *field(limits) = number
                    .filter(|number| (*least..=*most).contains(number))
                    .ok_or_else(|| format!("must be a number from {least} to {most}"))?;
            }
            Place::Time(field) => {
                let most = DEADLINE_CEILING;
                *field(limits) = read_time(text)
                    .filter(|time| (Duration::from_millis(1)..=most).contains(time))
                    .ok_or_else(|| {
                        let most = most.as_secs();
                        format!("must be a time from 1ms to {most}s, like 30, 30s or 200ms")
                    })?;
            }
        }
        Ok(())
    }

    fn arg(&self, defaults: &mut Limits) -> Arg {
        let (unit, default) = match &self.place {
            Place::Number(field, ..) => {
                let unit = if self.flag.ends_with("octets") {
                    "OCTETS"
                } else {
                    "COUNT"
                };
                (unit, field(defaults).to_string())
            }
            Place::Time(field) => ("TIME", format!("{:?}", field(defaults))),
        };
        let help = match self.help.contains("[default") {
            true => self.help.to_owned(),
            false => format!("{} [default: {default}]", self.help),
        };
        Arg::new(self.flag)
            .long(self.flag)
            .env(self.variable)
            .hide_env_values(true)
            .global(true)
            .value_name(unit)
            .help(help)
            .help_heading("Limits and deadlines (TIME in seconds, or with `s` or `ms`)")
    }
}

/// Digits alone: `parse` would take a sign.
fn read_number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn read_time(text: &str) -> Option<Duration> {
    match text.strip_suffix("ms") {
        Some(milliseconds) => read_number(milliseconds).map(Duration::from_millis),
        None => read_number(text.strip_suffix('s').unwrap_or(text)).map(Duration::from_secs),
    }
}

impl clap::Args for LimitOptions {
    fn augment_args(command: Command) -> Command {
        let mut defaults = Limits::default();
        command.args(TABLE.iter().map(|option| option.arg(&mut defaults)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        LimitOptions::augment_args(command)
    }
}

impl clap::FromArgMatches for LimitOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<LimitOptions, clap::Error> {
        let given = |option: &LimitOption| matches.get_one::<String>(option.flag).cloned();
        Ok(LimitOptions(TABLE.iter().map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = LimitOptions::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(flag: &str, text: &str) -> Result<(Limits, Option<usize>), String> {
        let given = |option: &LimitOption| (option.flag == flag).then(|| text.to_owned());
        let options = LimitOptions(TABLE.iter().map(given).collect());
        let mut limits = Limits::default();
        let mut problems = Vec::new();
        let connections = options.apply(&mut limits, &mut problems);
        match problems.first() {
            Some(problem) => Err(problem.to_string()),
            None => Ok((limits, connections)),
        }
    }

    /// `name: value` of each field.
    fn fields(limits: &Limits) -> Vec<String> {
        let text = format!("{limits:?}");
        let inner = text.trim_start_matches("Limits {").trim_end_matches('}');
        inner
            .split(',')
            .map(|field| field.trim().to_owned())
            .collect()
    }

    #[test]
    fn each_row_sets_its_own_field_within_its_bounds() {
        let defaults = fields(&Limits::default());
        assert_eq!(TABLE.len(), defaults.len());
        for option in &TABLE {
            let name = option.flag.trim_start_matches("limit-").replace('-', "_");
            let variable = format!("CRED_PROXY_LIMIT_{}", name.to_ascii_uppercase());
            assert_eq!(option.variable, variable);
            let (good, bad) = match option.place {
                Place::Number(_, least, most) => {
                    let (least_text, most_text) = (least.to_string(), most.to_string());
                    let below = least
                        .checked_sub(1)
                        .map_or("-1".to_owned(), |n| n.to_string());
                    let bad = vec![
                        below,
                        (most + 1).to_string(),
                        "+1".to_owned(),
                        "1k".to_owned(),
                    ];
                    (
                        vec![
                            (least_text.clone(), least_text),
                            (most_text.clone(), most_text),
                        ],
                        bad,
                    )
                }
                Place::Time(_) => {
                    let good = [
                        ("1ms", "1ms"),
                        ("604800", "604800s"),
                        ("604800s", "604800s"),
                    ];
                    let bad = [
                        "0",
                        "0s",
                        "0ms",
                        "604801",
                        "604800001ms",
                        "1m",
                        "-1",
                        "1.5",
                        "ms",
                        "s",
                    ];
                    let pair = |(text, shown): (&str, &str)| (text.to_owned(), shown.to_owned());
                    (good.map(pair).to_vec(), bad.map(str::to_owned).to_vec())
                }
            };
            for (text, shown) in good {
                let (limits, _) = applied(option.flag, &text).expect("within its bounds");
                let expected = format!("{name}: {shown}");
                for (field, default) in fields(&limits).iter().zip(&defaults) {
                    assert_eq!(
                        field,
                        if field.starts_with(&format!("{name}:")) {
                            &expected
                        } else {
                            default
                        }
                    );
                }
            }
            for text in bad
                .iter()
                .map(String::as_str)
                .chain(["", " 1", "99999999999999999999"])
            {
                let error = applied(option.flag, text).expect_err("out of bounds");
                let start = format!("--{} ({variable}): must be a ", option.flag);
                assert!(error.starts_with(&start), "{text:?}: {error}");
            }
        }
    }

    #[test]
    fn connections_are_known_to_be_given() {
        assert_eq!(
            applied("limit-connections", "7").expect("a number").1,
            Some(7)
        );
        assert_eq!(applied("limit-idle-time", "7").expect("a time").1, None);
    }

    #[test]
    fn a_problem_names_flag_variable_and_bounds() {
        assert_eq!(
            applied("limit-idle-time", "soon").err().as_deref(),
            Some(
                "--limit-idle-time (CRED_PROXY_LIMIT_IDLE_TIME): must be a time from 1ms to 604800s, like 30, 30s or 200ms"
            )
        );
        assert_eq!(
            applied("limit-trailer-lines", "1025").err().as_deref(),
            Some(
                "--limit-trailer-lines (CRED_PROXY_LIMIT_TRAILER_LINES): must be a number from 0 to 1024"
            )
        );
    }
}
