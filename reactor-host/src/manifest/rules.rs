//! What single texts of a manifest must look like. Each rule's error says what to write instead.

/// The longest name of an interface, a command, a contribution point or a tenant, in bytes.
pub(super) const MAX_NAME_BYTES: usize = 128;

/// A name: ASCII letters and digits, with `.`, `-`, `_` and `/` between them.
pub(super) fn name(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.len() > MAX_NAME_BYTES {
        return Err(format!("it has {} bytes; shorten it to {MAX_NAME_BYTES}", text.len()));
    }
    if let Some(c) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || ".-_/".contains(*c))) {
        return Err(format!("it holds {c:?}; use letters, digits, `.`, `-`, `_` and `/` only"));
    }
    let ends = [text.chars().next(), text.chars().next_back()];
    if ends.into_iter().flatten().any(|c| !c.is_ascii_alphanumeric()) {
        return Err("it must begin and end with a letter or a digit".to_owned());
    }
    Ok(())
}

/// A line that people read: pages and terminals print it as it is.
pub(super) fn line(text: &str) -> Result<(), String> {
    match text.chars().find(|c| c.is_control()) {
        Some(c) => Err(format!("it holds the control character {c:?}; remove it")),
        None => Ok(()),
    }
}

/// A tenant's id, or `*` for all of them.
pub(super) fn tenant(text: &str) -> Result<(), String> {
    if text == "*" { Ok(()) } else { name(text) }
}

/// A library's stem: one path segment without prefix or extension to be added.
pub(super) fn stem(text: &str) -> Result<(), String> {
    if text.contains(['/', '\\', ':']) || text.starts_with('.') || text.chars().any(char::is_control) {
        return Err("write the stem of a file name, without folders".to_owned());
    }
    let extension = [".so", ".dylib", ".dll"].into_iter().find(|extension| text.ends_with(extension));
    match extension {
        Some(extension) => Err(format!("leave out `{extension}`: each system has its own")),
        None => Ok(()),
    }
}

/// A web address. Other schemes are refused since pages turn these into links.
pub(super) fn url(text: &str) -> Result<(), String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control()) => {
            Ok(())
        }
        _ => Err("write a web address that begins with `https://` or `http://`".to_owned()),
    }
}

/// A file inside the plugin's folder.
pub(super) fn inner_path(text: &str) -> Result<(), String> {
    if leaves_folder(text) || text.starts_with('/') || text.contains([':', '\\']) {
        return Err("write a relative path inside the plugin's folder, with `/` between segments".to_owned());
    }
    Ok(())
}

/// A path that a confined plugin may use: under `$PLUGIN`, under `$STATE`, or absolute.
pub(super) fn granted_path(text: &str) -> Result<(), String> {
    let under = |variable: &str| {
        text.strip_prefix(variable).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '\\']))
    };
    let drive = matches!(text.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
    if leaves_folder(text) {
        return Err("remove the `..`: a grant names one place".to_owned());
    }
    if under("$PLUGIN") || under("$STATE") || text.starts_with('/') || drive {
        return Ok(());
    }
    Err("write a path under `$PLUGIN` or `$STATE`, or an absolute one".to_owned())
}

fn leaves_folder(text: &str) -> bool {
    text.chars().any(char::is_control) || text.split(['/', '\\']).any(|segment| segment == "..")
}

/// The name of an environment variable.
pub(super) fn variable(text: &str) -> Result<(), String> {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain && !text.starts_with(|c: char| c.is_ascii_digit()) {
        Ok(())
    } else {
        Err("write the name of an environment variable, without `$` or `=`".to_owned())
    }
}

/// How many letters must be added, dropped, changed or exchanged with a neighbour to turn one text into the
/// other (the optimal string alignment distance).
pub(super) fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before_last = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let mut best = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                let swapped: &Vec<usize> = &before_last;
                best = best.min(swapped[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

/// The candidate that a person most likely meant by `text`: at most a third of its letters wrong.
pub(super) fn nearest<'a>(text: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // A key far longer than any known one is no slip of the finger, and comparing it costs its length
    // squared.
    if text.len() > 64 {
        return None;
    }
    let limit = (text.chars().count() / 3).max(1);
    candidates
        .map(|name| (distance(text, name), name))
        .filter(|(d, _)| *d <= limit)
        .min()
        .map(|(_, name)| name)
}
