"""What a build says about source that is no program."""

import pytest

import box

GO = "package main\n\n"
VENDORED_GO = {
    "go.mod": "module example.com/f\n\ngo 1.22\n\nrequire example.com/greet v1.0.0\n",
    "main.go": 'package main\n\nimport (\n\t"fmt"\n\n\t"example.com/greet"\n)\n\nfunc main() { fmt.Println(greet.Hello()) }\n',
    "vendor/modules.txt": "# example.com/greet v1.0.0\n## explicit; go 1.22\nexample.com/greet\n",
    "vendor/example.com/greet/greet.go": "package greet\n\nfunc Hello() string { return \"hello\" }\n",
}
VENDORED_RUST = {
    "Cargo.toml": '[package]\nname = "f"\nversion = "1.0.0"\nedition = "2021"\n\n[dependencies]\ngreet = "1"\n',
    "src/main.rs": 'fn main() { println!("{}", greet::hello()) }\n',
    "vendor/greet/Cargo.toml": '[package]\nname = "greet"\nversion = "1.0.0"\nedition = "2021"\n',
    "vendor/greet/src/lib.rs": 'pub fn hello() -> &\'static str { "hello" }\n',
    "vendor/greet/.cargo-checksum.json": '{"files":{}}',
}
RUST_PACKAGE = {
    "Cargo.toml": '[package]\nname = "f"\nversion = "1.0.0"\nedition = "2024"\n\n[dependencies]\nserde_json = "1"\n',
    "src/main.rs": 'mod part;\nfn main() { println!("{}", serde_json::json!(part::hello())) }\n',
    "src/part.rs": 'pub fn hello() -> &\'static str { "hello" }\n',
}


@pytest.mark.parametrize("runtime, files, handler, printed", [
    ("go", {"main.go": GO + "func Handler() {\n\tx := 1\n}\n"}, "Handler", "main.go:4:2: declared and not used: x"),
    ("go", {"main.go": GO + "func Handler( {\n"}, "Handler", "main.go:3:15: "),
    ("go", {"main.go": GO + "func Other() {}\n"}, "Handler", "main.go:1:1: there is neither a func main nor a func Handler"),
    ("go", {"main.go": GO + 'import "example.com/x"\n\nfunc Handler() { x.Y() }\n'}, "Handler", "main.go:3:8: no required module provides package example.com/x; dependencies must be in vendor/"),
    ("go", {"main.go": GO + 'func Handler() { a(); b() }\n'}, "Handler", "main.go:3:18: undefined: a\nmain.go:3:23: undefined: b"),
    ("go", {"README": "x"}, "Handler", "there is no Go file"),
    ("rust", {"main.rs": "pub fn handler(event: Value, context: &Context) -> Result<Value, Error> {\n    Ok(evnt)\n}\n"}, "handler", "main.rs:2:8: error[E0425]: cannot find value `evnt` in this scope"),
    ("rust", {"main.rs": "pub fn handler(event: Value) -> Result<Value, Error> { Ok(event) }\n"}, "handler", "main.rs:1:8: error[E0593]: function is expected to take 2 arguments, but it takes 1 argument"),
    ("rust", {"main.rs": "fn main() {\n    let x: u8 = \"\";\n}\n"}, "handler", "main.rs:2:17: error[E0308]: mismatched types"),
    ("rust", {"main.rs": "fn other() {}\n"}, "handler", "main.rs:1:1: there is neither a fn main nor a fn handler"),
    ("rust", {"main.rs": "pub fn handler( {\n"}, "handler", "main.rs:1:"),
    ("rust", {**VENDORED_RUST, "src/main.rs": "fn main() {\n    oops();\n}\n"}, "handler", "src/main.rs:2:5: error[E0425]: cannot find function `oops` in this scope"),
    ("rust", {"README": "x"}, "handler", "there is neither a main.rs nor a lib.rs"),
])
def test_problems_have_a_place(directory, output, runtime, files, handler, printed):
    box.write_files(directory, files)
    code, text, _ = box.build(runtime, directory, output, handler)
    assert code == 1
    assert text.startswith(printed), text
    assert not list(output.iterdir())


@pytest.mark.parametrize("runtime, files", [("go", VENDORED_GO), ("rust", VENDORED_RUST), ("rust", RUST_PACKAGE)])
def test_archives_bring_their_dependencies(directory, output, runtime, files):
    box.write_files(directory, files)
    code, text, _ = box.build(runtime, directory, output)
    assert (code, text) == (0, "")
    with box.function(output) as instance:
        instance.greet()
        instance.configure(task={"command": ["./bootstrap"], "environment": {}})
        assert instance.wait() == 0
        assert instance.text().strip('"\n') == "hello"


def test_the_builders_own_tests(directory):
    program = directory / "tests"
    box.subprocess.run(["/usr/bin/rustc", "--edition", "2021", "--test", box.ROOT / "runtimes/rust/builder/main.rs", "-o", program], check=True)
    box.subprocess.run([program], check=True)
    box.subprocess.run(["go", "test", "./..."], cwd=box.ROOT / "runtimes/go/builder", check=True)
