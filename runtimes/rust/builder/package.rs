//! Packages that bring their dependencies: built by cargo, with these.

use std::fs;
use std::os::unix::fs::{symlink, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Build;

pub fn build(build: &Build) -> Result<(), String> {
    let copy = build.work.join("package");
    // cargo writes Cargo.lock, and the source is read-only.
    copy_source(&build.source, &copy).map_err(|error| format!("the source cannot be copied: {error}"))?;
    let target = build.work.join("target");
    let mut command = Command::new("cargo");
    command
        .args(["build", "--release", "--offline", "--bins", "--quiet", "--message-format=short"])
        .arg("--target-dir")
        .arg(&target)
        .args(["--config", "source.crates-io.replace-with=\"vendored-sources\""])
        .args(["--config", "source.vendored-sources.directory=\"vendor\""])
        // Dependencies take most of the time, and the function little of theirs.
        .args(["--config", "profile.release.package.\"*\".opt-level=1"])
        .args(["--config", "profile.release.strip=true"])
        .current_dir(&copy)
        .env("CARGO_HOME", build.work.join("cargo"))
        .env("CARGO_TERM_COLOR", "never")
        .env("RUSTFLAGS", format!("-A warnings --remap-path-prefix={}/=", copy.display()))
        .env("TMPDIR", &build.work);
    build.check(command, None)?;
    let program = the_program(&target.join("release"))?;
    fs::copy(program, build.output.join("bootstrap"))
        .map(|_| ())
        .map_err(|error| format!("bootstrap cannot be written: {error}"))
}

// Without vendor/, which is large and only read.
fn copy_source(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_name() == "vendor" {
            symlink(entry.path(), target)?;
        } else if entry.file_type()?.is_dir() {
            if entry.file_name() != "target" {
                copy_source(&entry.path(), &target)?;
            }
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

// The one called bootstrap, or the only one.
fn the_program(release: &Path) -> Result<PathBuf, String> {
    let mut programs: Vec<PathBuf> = fs::read_dir(release)
        .map_err(|error| error.to_string())?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension().is_none()
                && fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
        })
        .collect();
    if let Some(named) = programs.iter().find(|path| path.ends_with("bootstrap")) {
        return Ok(named.clone());
    }
    match programs.len() {
        1 => Ok(programs.remove(0)),
        0 => Err("the package has no program: it needs a src/main.rs".to_owned()),
        _ => Err("the package has several programs and none is called bootstrap".to_owned()),
    }
}
