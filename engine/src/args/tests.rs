use super::*;
use clap::CommandFactory as _;
use core::time::Duration;

fn args(line: &str) -> Args {
    let words = core::iter::once("cred-proxy").chain(line.split_whitespace());
    Args::try_parse_from(words).unwrap_or_else(|error| panic!("{error}"))
}

fn config_with(line: &str, environment: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let lookup = |name: &str| {
        let found = environment.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| OsString::from(value))
    };
    let lines = |problems: Vec<Problem>| problems.iter().map(Problem::to_string).collect();
    args(line).into_config(lookup).map_err(lines)
}

fn config(line: &str) -> Config {
    config_with(line, &[]).unwrap_or_else(|problems| panic!("{problems:?}"))
}

#[test]
fn the_command_is_well_formed() {
    Args::command().debug_assert();
}

#[test]
fn without_arguments_it_serves_with_the_defaults() {
    assert_eq!(args("").subcommand(), Command::Serve);
    let config = config("");
    assert_eq!(
        config.routes_path,
        PathBuf::from("/run/cred-proxy/routes.json")
    );
    assert_eq!(
        (config.bind.to_string().as_str(), config.port),
        ("0.0.0.0", 9099)
    );
    assert!((1..=limits::WORKERS_DEFAULT_CEILING).contains(&config.threads));
    assert_eq!((config.log, config.admin), (LogLevel::Error, None));
    assert!(config.allow_host.is_empty() && !config.tokens_stdin && config.proxy.is_none());
    assert!(config.connections.is_none() && config.warnings.is_empty());
    assert_eq!(config.limits.idle_time, Duration::from_secs(75));
}

#[test]
fn options_may_stand_on_either_side_of_the_subcommand() {
    for line in [
        "check --routes x --limit-idle-time 200ms",
        "--routes x --limit-idle-time 200ms check",
    ] {
        assert_eq!(args(line).subcommand(), Command::Check);
        let config = config(line);
        assert_eq!(config.routes_path, PathBuf::from("x"));
        assert_eq!(config.limits.idle_time, Duration::from_millis(200));
    }
    assert_eq!(args("serve").subcommand(), Command::Serve);
    assert_eq!(
        args("healthcheck --port 1").subcommand(),
        Command::Healthcheck
    );
}

#[test]
fn each_option_is_read() {
    let config = config(
        "--bind :: --port 0 --threads 256 --log access --admin [::1]:9100 --tokens-stdin \
         --allow-host A.example:9099,[::1] --allow-host b --limit-connections 10",
    );
    assert_eq!((config.bind.to_string().as_str(), config.port), ("::", 0));
    assert_eq!((config.threads, config.log), (256, LogLevel::Access));
    assert_eq!(
        config.admin.map(|address| address.to_string()).as_deref(),
        Some("[::1]:9100")
    );
    assert_eq!(config.allow_host, ["a.example:9099", "[::1]", "b"]);
    assert!(config.tokens_stdin);
    assert_eq!(
        (config.connections, config.limits.connections),
        (Some(10), 10)
    );
}

#[test]
fn the_environment_of_others_is_honoured() {
    let config = config_with(
        "--log off",
        &[
            ("CRED_PROXY_DEBUG", "1"),
            ("https_proxy", ""),
            ("HTTPS_PROXY", "http://u:s3cret@proxy:3128"),
            ("no_proxy", "internal,h:x"),
            ("NO_PROXY", "*"),
        ],
    );
    let config = config.unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(config.log, LogLevel::Debug);
    assert_eq!(config.proxy.map(|proxy| proxy.port), Some(3128));
    assert!(config.no_proxy.matches("internal", 443) && !config.no_proxy.matches("other", 443));
    let warnings: Vec<String> = config.warnings.iter().map(Problem::to_string).collect();
    assert_eq!(
        warnings,
        [r#"NO_PROXY: "h:x" is not understood, and ignored"#]
    );

    let quiet = config_with("", &[("CRED_PROXY_DEBUG", "")]).map(|config| config.log);
    assert_eq!(quiet, Ok(LogLevel::Error));
}

#[test]
fn every_problem_is_told_with_its_flag_and_variable() {
    let problems = config_with(
        "--routes= --bind host --port 65536 --threads 0 --log loud --admin 0.0.0.0:9100 \
         --allow-host= --limit-drain-time 0 --limit-request-field-lines 1025",
        &[("https_proxy", "https://u:s3cret@proxy:3128")],
    );
    assert_eq!(
        problems.err().expect("problems"),
        [
            "--routes (CRED_PROXY_ROUTES): must be the path of the routes file",
            "--bind (CRED_PROXY_BIND): must be an IP address, like 0.0.0.0 or ::",
            "--port (CRED_PROXY_PORT): must be a port from 0 to 65535",
            "--threads (CRED_PROXY_THREADS): must be a number from 1 to 256",
            "--log (CRED_PROXY_LOG): must be off, error, access or debug",
            "--admin (CRED_PROXY_ADMIN): must be a loopback address with a port, like 127.0.0.1:9100",
            "--allow-host (CRED_PROXY_ALLOW_HOST): there is no host; write host or host:port, or leave it out to allow any",
            "--limit-request-field-lines (CRED_PROXY_LIMIT_REQUEST_FIELD_LINES): must be a number from 1 to 1024",
            "--limit-drain-time (CRED_PROXY_LIMIT_DRAIN_TIME): must be a time from 1ms to 604800s, like 30, 30s or 200ms",
            "https_proxy: it does not begin with `http://`; write it like `http://user:password@host:3128`",
        ]
    );
}

#[test]
fn one_bad_value_does_not_need_another() {
    for (line, start) in [
        ("--threads 257", "--threads "),
        ("--threads -1", "--threads "),
        ("--admin 127.0.0.1", "--admin "),
        ("--allow-host u@h", "--allow-host "),
        ("--allow-host a,,b", "--allow-host "),
        ("--limit-idle-time 1h", "--limit-idle-time "),
    ] {
        let line = line.replacen(' ', "=", 1);
        let problems = config_with(&line, &[]).err().expect("a problem");
        assert_eq!(problems.len(), 1, "{line}");
        assert!(problems[0].starts_with(start), "{line}: {}", problems[0]);
    }
}

#[test]
fn bad_usage_is_left_to_clap() {
    for line in [
        "--nope",
        "nope",
        "check extra",
        "--port",
        "--limit-idle-time",
    ] {
        let words = core::iter::once("cred-proxy").chain(line.split_whitespace());
        let error = Args::try_parse_from(words).err().expect("bad usage");
        assert_eq!(error.exit_code(), 2, "{line}");
    }
}

#[test]
fn the_help_names_every_flag_with_its_variable() {
    let help = Args::command().render_long_help().to_string();
    for argument in Args::command().get_arguments() {
        let Some(flag) = argument
            .get_long()
            .filter(|flag| !matches!(*flag, "help" | "version"))
        else {
            continue;
        };
        let variable = format!("CRED_PROXY_{}", flag.replace('-', "_").to_ascii_uppercase());
        assert!(
            help.contains(&format!("--{flag}")) && help.contains(&variable),
            "{flag}"
        );
    }
    for text in [
        "Examples:",
        "[default: 75s]",
        "[default: 65536]",
        "Limits and deadlines",
    ] {
        assert!(help.contains(text), "{text}");
    }
}
