//! The commands as a page of Markdown, from the command line's own description.

use clap::{Arg, Command};

/// The page of a program: a section for each command that has no further ones below it.
pub(super) fn page(program: &Command) -> String {
    let mut page = String::from(
        "# Commands\n\nGenerated from the command line by `hemet man --markdown`; do not edit. Exit status: 0 for success, 2 for a mistake\n\
         that you can mend, 1 for a check that failed.\n",
    );
    add(&mut page, program, program.get_name());
    page
}

fn add(page: &mut String, command: &Command, name: &str) {
    let below: Vec<&Command> = command
        .get_subcommands()
        .filter(|below| below.get_name() != "help")
        .collect();
    if below.is_empty() {
        *page += &format!("\n## hemet{}\n\n{}", after(name), section(command, name));
    }
    for below in below {
        add(page, below, &format!("{name} {}", below.get_name()));
    }
}

/// A name without the program's.
fn after(name: &str) -> &str {
    name.strip_prefix("hemet").unwrap_or(name)
}

fn section(command: &Command, name: &str) -> String {
    let about = command.get_long_about().or(command.get_about());
    let mut text = about.map_or(String::new(), |about| format!("{about}\n\n"));
    let (positional, options): (Vec<&Arg>, Vec<&Arg>) = command
        .get_arguments()
        .filter(|arg| !["help", "version"].contains(&arg.get_id().as_str()))
        .partition(|arg| arg.is_positional());
    let mut usage = name.to_owned();
    for arg in &positional {
        let value = value(arg);
        usage += &match arg.is_required_set() {
            true => format!(" <{value}>"),
            false => format!(" [{value}]"),
        };
    }
    if !options.is_empty() {
        usage += " [OPTIONS]";
    }
    text += &format!("```text\n{usage}\n```\n\n");
    if !(positional.is_empty() && options.is_empty()) {
        text += "| argument | what it is |\n|---|---|\n";
        for arg in positional.iter().chain(&options) {
            text += &format!("| `{}` | {} |\n", shown(arg), about_arg(arg));
        }
    }
    if let Some(example) = command.get_after_help() {
        let lines = example.to_string();
        let lines = lines.lines().skip(1).map(|line| line.trim_start());
        let lines: Vec<&str> = lines.collect();
        text += &format!("\n```text\n{}\n```\n", lines.join("\n"));
    }
    text
}

/// The name of an argument's value.
fn value(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    names.join(" ")
}

fn shown(arg: &Arg) -> String {
    let Some(long) = arg.get_long() else {
        return match arg.get_short() {
            Some(short) => format!("-{short} {}", value(arg)),
            None => value(arg),
        };
    };
    let short = arg
        .get_short()
        .map_or(String::new(), |short| format!("-{short}, "));
    match arg.get_action().takes_values() {
        true => format!("{short}--{long} {}", value(arg)),
        false => format!("{short}--{long}"),
    }
}

fn about_arg(arg: &Arg) -> String {
    let about = arg.get_long_help().or(arg.get_help());
    let about = about.map_or(String::new(), |about| about.to_string());
    let mut text = about.split_whitespace().collect::<Vec<_>>().join(" ");
    let words: Vec<String> = arg
        .get_possible_values()
        .iter()
        .map(|word| format!("`{}`", word.get_name()))
        .collect();
    if !words.is_empty() && arg.get_action().takes_values() {
        text += &format!(" ({})", words.join(", "));
    }
    let defaults = arg.get_default_values();
    if let Some(default) = defaults.first().filter(|_| arg.get_action().takes_values()) {
        text += &format!(" [default: `{}`]", default.to_string_lossy());
    }
    text.replace('|', "\\|")
}
