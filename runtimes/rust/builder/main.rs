//! so-rust-build makes a function of the Rust source in the current directory:
//! OUTPUT/bootstrap, a program that speaks the AWS Lambda Runtime API. It runs
//! in the sandbox of a build, without network.
//!
//!     so-rust-build [--toolchain DIR] [--output DIR] HANDLER
//!
//! One file, or a package without a vendor/ folder, is compiled with the crates
//! that scripts/toolchains has compiled before; a package with one by cargo, with
//! the crates in it. A file without `fn main` is wrapped, so that the function
//! HANDLER is served. What is wrong with the source is printed, a line each, as
//! "file:line:col: message", and the exit code is 1.

mod explain;
mod lexer;
mod package;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{exit, Command};

use explain::explain;
use lexer::Functions;

/// Crates that source may use without bringing them.
const CRATES: [&str; 5] = ["lambda_runtime", "serde", "serde_json", "so_lambda", "tokio"];
const DEFAULT_HANDLER: &str = "handler";
/// What the wrapper is called in messages.
const WRAPPER: &str = "so_generated_main.rs";

pub struct Build {
    toolchain: PathBuf,
    output: PathBuf,
    handler: String,
    source: PathBuf,
    work: PathBuf,
}

fn main() {
    let build = arguments().unwrap_or_else(|| {
        eprintln!("usage: so-rust-build [--toolchain DIR] [--output DIR] HANDLER");
        exit(2)
    });
    let result = build.run();
    let _ = fs::remove_dir_all(&build.work);
    if let Err(problem) = result {
        eprintln!("{problem}");
        exit(1);
    }
}

fn arguments() -> Option<Build> {
    let mut build = Build {
        toolchain: "/opt/toolchain".into(),
        output: "/var/output".into(),
        handler: String::new(),
        source: std::env::current_dir().ok()?,
        work: std::env::temp_dir().join(format!("so-rust-build-{}", std::process::id())),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--toolchain" => build.toolchain = arguments.next()?.into(),
            "--output" => build.output = arguments.next()?.into(),
            _ if build.handler.is_empty() => build.handler = argument,
            _ => return None,
        }
    }
    (!build.handler.is_empty()).then_some(build)
}

impl Build {
    fn run(&self) -> Result<(), String> {
        fs::create_dir_all(&self.work).map_err(|error| error.to_string())?;
        let manifest = match fs::read_to_string(self.source.join("Cargo.toml")) {
            Ok(text) if self.source.join("vendor").is_dir() => {
                drop(text);
                return package::build(self);
            }
            Ok(text) => Some(text),
            Err(_) => None,
        };
        let file = self.root_file()?;
        let path = self.source.join(&file);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", file.display()))?;
        let functions = Functions::of(&text);
        if functions.find("main").is_some() {
            return self.compile(&path, &edition(manifest.as_deref()), None);
        }
        self.compile_handler(&file, &functions, &edition(manifest.as_deref()))
    }

    fn root_file(&self) -> Result<PathBuf, String> {
        ["main.rs", "src/main.rs", "lib.rs", "src/lib.rs"]
            .iter()
            .map(PathBuf::from)
            .find(|name| self.source.join(name).is_file())
            .ok_or_else(|| "there is neither a main.rs nor a lib.rs, at the top or in src/".to_owned())
    }

    fn compile_handler(&self, file: &Path, functions: &Functions, edition: &str) -> Result<(), String> {
        let named = self.handler.rsplit(['.', ':', '/']).next().unwrap_or_default();
        let Some(handler) = functions.find(named).or_else(|| functions.find(DEFAULT_HANDLER)) else {
            return Err(format!("{}:1:1: there is neither a fn main nor a fn {DEFAULT_HANDLER}", file.display()));
        };
        let name = &handler.name;
        let call = if handler.is_async {
            format!("|event, context: &::so_lambda::Context| ::so_lambda::block_on({name}(event, context))")
        } else {
            name.clone()
        };
        // Inside of the module, because the handler need not be public; the
        // names that a glob brings give way to those of the source.
        let wrapper = format!(
            "mod function {{\nuse ::so_lambda::prelude::*;\ninclude!({:?});\npub fn so_generated_main() {{ ::so_lambda::run({call}) }}\n}}\nfn main() {{ function::so_generated_main() }}\n",
            self.source.join(file)
        );
        let path = self.work.join(WRAPPER);
        fs::write(&path, wrapper).map_err(|error| error.to_string())?;
        let place = format!("{}:{}:{}", file.display(), handler.line, handler.column);
        self.compile(&path, edition, Some(&place))
    }

    /// `handler` is where the handler is, when `root` is our wrapper.
    fn compile(&self, root: &Path, edition: &str, handler: Option<&str>) -> Result<(), String> {
        let crates = self.toolchain.join("crates");
        let mut command = Command::new("rustc");
        command
            .args(["--edition", edition, "--crate-name", "bootstrap", "--crate-type", "bin"])
            .args(["-C", "opt-level=2", "-C", "strip=symbols", "-A", "warnings"])
            .args(["--error-format=short", "--color=never"])
            .arg(format!("--remap-path-prefix={}/=", self.source.display()))
            .arg("-L")
            .arg(format!("dependency={}", crates.display()))
            .env("TMPDIR", &self.work);
        for name in CRATES {
            command.arg("--extern").arg(format!("{name}={}", library(&crates, name)?.display()));
        }
        command.arg("-o").arg(self.output.join("bootstrap")).arg(root);
        self.check(command, handler)
    }

    /// Runs a compiler; what it says when it fails is the error.
    pub fn check(&self, mut command: Command, handler: Option<&str>) -> Result<(), String> {
        let program = command.get_program().to_string_lossy().into_owned();
        let output = command.output().map_err(|error| format!("{program}: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        Err(explain(&text, &self.source, &self.work.join(WRAPPER), handler))
    }
}

/// The compiled crate `name`; its file's name ends in a hash.
fn library(crates: &Path, name: &str) -> Result<PathBuf, String> {
    let prefix = format!("lib{name}-");
    fs::read_dir(crates)
        .map_err(|error| format!("{}: {error}", crates.display()))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| {
            path.extension().is_some_and(|extension| extension == "rlib")
                && path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&prefix))
        })
        .ok_or_else(|| format!("{}: no {name}", crates.display()))
}

fn edition(manifest: Option<&str>) -> String {
    manifest
        .unwrap_or_default()
        .lines()
        .find_map(|line| line.trim().strip_prefix("edition")?.trim().strip_prefix('=').map(str::trim))
        .map(|value| value.trim_matches(['"', '\'']).to_owned())
        .filter(|value| ["2015", "2018", "2021", "2024"].contains(&value.as_str()))
        .unwrap_or_else(|| "2021".to_owned())
}
