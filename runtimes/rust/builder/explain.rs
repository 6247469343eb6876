//! Makes lines for the author of what compilers print in their short format.

use std::path::Path;

/// Lines that begin with "file:line:col: " first come first; when there are
/// some, the rest only repeats that it failed. `wrapper` is our own file: what is
/// wrong in it is the handler's signature, at `handler`.
pub fn explain(output: &str, source: &Path, wrapper: &Path, handler: Option<&str>) -> String {
    let source = format!("{}/", source.display());
    let wrapper = wrapper.display().to_string();
    let mut placed = Vec::new();
    let mut rest = Vec::new();
    for line in output.lines().filter(|line| !line.trim().is_empty()) {
        if let (Some(after), Some(handler)) = (line.strip_prefix(&wrapper), handler) {
            let message = after.splitn(4, ':').nth(3).unwrap_or_default().trim();
            placed.push(format!("{handler}: {message} (a handler looks like pub fn handler(event: Value, context: &Context) -> Result<Value, Error>)"));
            continue;
        }
        let line = line.replace(&source, "");
        if is_placed(&line) {
            placed.push(line);
        } else {
            rest.push(line);
        }
    }
    let lines = if placed.is_empty() { rest } else { placed };
    if lines.is_empty() {
        return "the compiler failed without a message".to_owned();
    }
    lines.join("\n")
}

fn is_placed(line: &str) -> bool {
    let mut parts = line.splitn(4, ':');
    let file = parts.next().unwrap_or_default();
    let numbers = [parts.next(), parts.next()];
    !file.is_empty()
        && numbers.iter().all(|part| part.is_some_and(|text| text.parse::<u32>().is_ok()))
        && parts.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_first_and_alone() {
        let text = "/var/task/main.rs:3:5: error[E0425]: cannot find value `x` in this scope\nerror: aborting due to 1 previous error\n";
        let got = explain(text, Path::new("/var/task"), Path::new("/tmp/w.rs"), None);
        assert_eq!(got, "main.rs:3:5: error[E0425]: cannot find value `x` in this scope");
    }

    #[test]
    fn the_wrapper_stands_for_the_handler() {
        let got = explain("/tmp/w.rs:4:50: error[E0308]: mismatched types\n", Path::new("/var/task"), Path::new("/tmp/w.rs"), Some("main.rs:7:8"));
        assert!(got.starts_with("main.rs:7:8: error[E0308]: mismatched types ("), "{got}");
    }

    #[test]
    fn what_has_no_place_is_shown_when_there_is_nothing_else() {
        let got = explain("error: linking with `cc` failed\n", Path::new("/s"), Path::new("/w"), None);
        assert_eq!(got, "error: linking with `cc` failed");
    }
}
