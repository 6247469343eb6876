//! Finds the functions at the top level of Rust source, as far as tokens tell:
//! comments, strings, characters and nesting are told apart, macros are not
//! expanded.

pub struct Function {
    pub name: String,
    pub is_async: bool,
    // Of the name, from 1; columns count characters.
    pub line: usize,
    pub column: usize,
}

pub struct Functions(Vec<Function>);

impl Functions {
    pub fn of(text: &str) -> Functions {
        let mut lexer = Lexer { text: text.as_bytes(), at: 0 };
        let mut functions = Vec::new();
        let (mut depth, mut is_async, mut after_fn) = (0usize, false, false);
        while let Some(token) = lexer.next() {
            match token {
                Token::Word(start, end) if depth == 0 => {
                    let word = &text[start..end];
                    if after_fn {
                        functions.push(function(text, start, word, is_async));
                    }
                    is_async |= word == "async";
                    after_fn = word == "fn";
                    continue;
                }
                Token::Open => depth += 1,
                Token::Close(byte) => {
                    depth = depth.saturating_sub(1);
                    // The end of an item; pub(crate) is not one.
                    if depth == 0 && byte == b'}' {
                        is_async = false;
                    }
                }
                Token::Other(b';') if depth == 0 => is_async = false,
                _ => {}
            }
            after_fn = false;
        }
        Functions(functions)
    }

    pub fn find(&self, name: &str) -> Option<&Function> {
        self.0.iter().find(|function| function.name == name)
    }
}

fn function(text: &str, start: usize, name: &str, is_async: bool) -> Function {
    let before = &text[..start];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Function {
        name: name.to_owned(),
        is_async,
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

enum Token {
    Word(usize, usize),
    Open,
    Close(u8),
    Literal,
    Other(u8),
}

struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn next(&mut self) -> Option<Token> {
        self.skip_blank();
        let start = self.at;
        let byte = *self.text.get(self.at)?;
        if is_word(byte) {
            while is_word(self.peek(0)) {
                self.at += 1;
            }
            return Some(self.after_word(start));
        }
        self.at += 1;
        Some(match byte {
            b'"' => self.string(),
            b'\'' => self.quote(),
            b'{' | b'(' | b'[' => Token::Open,
            b'}' | b')' | b']' => Token::Close(byte),
            _ => Token::Other(byte),
        })
    }

    fn skip_blank(&mut self) {
        loop {
            if self.peek(0).is_ascii_whitespace() {
                self.at += 1;
            } else if self.peek(0) == b'/' && self.peek(1) == b'/' {
                while self.at < self.text.len() && self.peek(0) != b'\n' {
                    self.at += 1;
                }
            } else if self.peek(0) == b'/' && self.peek(1) == b'*' {
                self.skip_block_comment();
            } else {
                return;
            }
        }
    }

    // They nest.
    fn skip_block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.text.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => depth += 1,
                (b'*', b'/') => depth -= 1,
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            self.at += 2;
            if depth == 0 {
                return;
            }
        }
    }

    // A word may be the prefix of a literal, or of a raw name.
    fn after_word(&mut self, start: usize) -> Token {
        let word = &self.text[start..self.at];
        let raw = matches!(word, b"r" | b"br" | b"cr");
        let mut hashes = 0;
        while raw && self.peek(hashes) == b'#' {
            hashes += 1;
        }
        if raw && self.peek(hashes) == b'"' {
            self.at += hashes + 1;
            return self.raw_string(hashes);
        }
        if word == b"r" && hashes == 1 && is_word(self.peek(1)) {
            self.at += 1;
            let name = self.at;
            while is_word(self.peek(0)) {
                self.at += 1;
            }
            return Token::Word(name, self.at);
        }
        if matches!(word, b"b" | b"c") && self.peek(0) == b'"' {
            self.at += 1;
            return self.string();
        }
        if word == b"b" && self.peek(0) == b'\'' {
            self.at += 1;
            return self.quote();
        }
        Token::Word(start, self.at)
    }

    fn string(&mut self) -> Token {
        while self.at < self.text.len() {
            let byte = self.peek(0);
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                break;
            }
        }
        Token::Literal
    }

    fn raw_string(&mut self, hashes: usize) -> Token {
        while self.at < self.text.len() {
            let byte = self.peek(0);
            self.at += 1;
            if byte == b'"' && (0..hashes).all(|i| self.peek(i) == b'#') {
                self.at += hashes;
                break;
            }
        }
        Token::Literal
    }

    // A character, or a lifetime, which has no closing quote.
    fn quote(&mut self) -> Token {
        if self.peek(0) == b'\\' {
            self.at += 2;
            while self.at < self.text.len() && self.peek(0) != b'\'' {
                self.at += 1;
            }
            self.at += 1;
            return Token::Literal;
        }
        let length = match self.peek(0) {
            0xf0.. => 4,
            0xe0.. => 3,
            0xc0.. => 2,
            _ => 1,
        };
        if self.peek(length) == b'\'' {
            self.at += length + 1;
        }
        Token::Literal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, name: &str) -> Option<(bool, usize, usize)> {
        Functions::of(text).find(name).map(|f| (f.is_async, f.line, f.column))
    }

    #[test]
    fn finds_functions_at_the_top() {
        assert_eq!(found("fn main() {}", "main"), Some((false, 1, 4)));
        assert_eq!(found("\n#[tokio::main]\nasync fn main() {}", "main"), Some((true, 3, 10)));
        assert_eq!(found("pub(crate) async fn handler() {}", "handler"), Some((true, 1, 21)));
        assert_eq!(found("pub unsafe extern \"C\" fn r#main() {}", "main"), Some((false, 1, 28)));
        assert_eq!(found("/* ä */ fn main() {}", "main"), Some((false, 1, 12)));
        assert_eq!(found("async fn a() {} fn b() {}", "b"), Some((false, 1, 20)));
    }

    #[test]
    fn is_not_fooled() {
        for text in [
            "// fn main() {}",
            "/* /* */ fn main() {} */",
            "const S: &str = \"fn main() {} \\\" fn main\";",
            "const S: &str = r#\"\" fn main() {}\"#;",
            "const S: &[u8] = br\"fn main() {}\";",
            "mod a { fn main() {} }",
            "macro_rules! m { () => { fn main() {} } }",
            "impl A { fn main() {} }",
            "fn mainly() {}",
            "type F = fn(i32) -> i32;",
            "const C: char = '{'; mod a { fn main() {} }",
        ] {
            assert_eq!(found(text, "main"), None, "{text}");
        }
    }

    #[test]
    fn characters_and_lifetimes_are_told_apart() {
        for text in [
            "const Q: char = '\"'; fn main() {}",
            "const Q: char = '\\''; fn main() {}",
            "const Q: u8 = b'\"'; fn main() {}",
            "const Q: char = 'ä'; fn main() {}",
            "const Q: char = '\\u{1F600}'; fn main() {}",
            "struct S<'a>(&'a str); fn main() {}",
            "fn f<'a>(x: &'a str) -> &'a str { '}'; x } fn main() {}",
        ] {
            assert!(found(text, "main").is_some(), "{text}");
        }
    }

    #[test]
    fn survives_what_is_not_rust() {
        for text in ["", "'", "\"", "r#", "r#\"", "/*", "'\\", "}}}", "b'", "fn", "\u{feff}fn main"] {
            let _ = Functions::of(text);
        }
    }
}
