#include "sandbox/init/json_text.h"

#include <cstdint>
#include <cstdlib>

namespace so::init {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsHexDigit(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Walks over values without recursion: nesting is up to whoever wrote them.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  size_t at() const { return at_; }
  bool AtEnd() const { return at_ == text_.size(); }
  void SkipSpace() {
    while (at_ < text_.size() && kSpace.find(text_[at_]) != kSpace.npos) ++at_;
  }
  // Steps over `c` if it comes next.
  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // Each steps over what it is named for, false when something else is there.
  bool Value();
  bool String();
  // A member's name and the colon.
  bool Key() {
    SkipSpace();
    if (!String()) return false;
    SkipSpace();
    return Take(':');
  }

 private:
  bool Scalar();
  bool Number();
  bool Digits();
  bool Word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  // After a value: closes what ends, and steps to where the next value of the
  // innermost open one begins. False at an error.
  bool Close();

  std::string_view text_;
  size_t at_ = 0;
  // The open objects and arrays; the innermost is the lowest bit, set for
  // objects.
  int depth_ = 0;
  uint64_t objects_ = 0;
  static_assert(kMaxJsonDepth <= 64);
};

bool Scanner::Value() {
  depth_ = 0;
  objects_ = 0;
  do {
    SkipSpace();
    if (AtEnd()) return false;
    const char c = text_[at_];
    if (c == '{' || c == '[') {
      if (depth_ == kMaxJsonDepth) return false;
      ++at_;
      ++depth_;
      objects_ = objects_ << 1 | (c == '{');
      SkipSpace();
      const bool empty = at_ < text_.size() && text_[at_] == c + 2;
      if (!empty) {
        if (c == '{' && !Key()) return false;
        continue;
      }
    } else if (!Scalar()) {
      return false;
    }
    if (!Close()) return false;
  } while (depth_ > 0);
  return true;
}

bool Scanner::Close() {
  while (depth_ > 0) {
    SkipSpace();
    const bool object = objects_ & 1;
    if (Take(',')) return !object || Key();
    if (!Take(object ? '}' : ']')) return false;
    --depth_;
    objects_ >>= 1;
  }
  return true;
}

bool Scanner::Scalar() {
  switch (text_[at_]) {
    case '"':
      return String();
    case 't':
      return Word("true");
    case 'f':
      return Word("false");
    case 'n':
      return Word("null");
    default:
      return Number();
  }
}

bool Scanner::String() {
  if (!Take('"')) return false;
  while (at_ < text_.size()) {
    const char c = text_[at_++];
    if (c == '"') return true;
    if (static_cast<unsigned char>(c) < 0x20) return false;
    if (c != '\\') continue;
    if (AtEnd()) return false;
    const char escape = text_[at_++];
    if (escape == 'u') {
      for (int i = 0; i < 4; ++i, ++at_) {
        if (AtEnd() || !IsHexDigit(text_[at_])) return false;
      }
    } else if (std::string_view("\"\\/bfnrt").find(escape) ==
               std::string_view::npos) {
      return false;
    }
  }
  return false;
}

bool Scanner::Digits() {
  const size_t start = at_;
  while (at_ < text_.size() && IsDigit(text_[at_])) ++at_;
  return at_ > start;
}

bool Scanner::Number() {
  Take('-');
  if (!Take('0') && !Digits()) return false;
  if (Take('.') && !Digits()) return false;
  if (Take('e') || Take('E')) {
    if (!Take('+')) Take('-');
    return Digits();
  }
  return true;
}

// The code unit of the escape at `at`, or 0.
unsigned UnicodeEscape(std::string_view text, size_t at) {
  if (text.substr(at, 2) != "\\u" || at + 6 > text.size()) return 0;
  return static_cast<unsigned>(
      std::strtoul(std::string(text.substr(at + 2, 4)).c_str(), nullptr, 16));
}

bool IsHigh(unsigned unit) { return unit >= 0xd800 && unit < 0xdc00; }
bool IsLow(unsigned unit) { return unit >= 0xdc00 && unit < 0xe000; }

}  // namespace

bool IsJson(std::string_view text) {
  Scanner scanner(text);
  if (!scanner.Value()) return false;
  scanner.SkipSpace();
  return scanner.AtEnd();
}

std::optional<std::vector<JsonMember>> JsonMembers(std::string_view text) {
  Scanner scanner(text);
  scanner.SkipSpace();
  if (!scanner.Take('{')) return std::nullopt;
  std::vector<JsonMember> members;
  scanner.SkipSpace();
  if (!scanner.Take('}')) {
    do {
      scanner.SkipSpace();
      const size_t name = scanner.at();
      if (!scanner.String()) return std::nullopt;
      const size_t name_end = scanner.at();
      scanner.SkipSpace();
      if (!scanner.Take(':')) return std::nullopt;
      scanner.SkipSpace();
      const size_t value = scanner.at();
      if (!scanner.Value()) return std::nullopt;
      members.push_back({text.substr(name + 1, name_end - name - 2),
                         text.substr(value, scanner.at() - value)});
      scanner.SkipSpace();
    } while (scanner.Take(','));
    if (!scanner.Take('}')) return std::nullopt;
  }
  scanner.SkipSpace();
  if (!scanner.AtEnd()) return std::nullopt;
  return members;
}

std::string_view FindMember(const std::vector<JsonMember>& members,
                            std::string_view name) {
  for (auto it = members.rbegin(); it != members.rend(); ++it) {
    if (it->name == name) return it->value;
  }
  return {};
}

std::string_view TrimJsonSpace(std::string_view text) {
  const size_t start = text.find_first_not_of(kSpace);
  if (start == text.npos) return {};
  return text.substr(start, text.find_last_not_of(kSpace) - start + 1);
}

std::string ReplaceHalfSurrogates(std::string text) {
  for (size_t at = text.find('\\'); at != text.npos; at = text.find('\\', at)) {
    const unsigned unit = UnicodeEscape(text, at);
    if (IsHigh(unit) && IsLow(UnicodeEscape(text, at + 6))) {
      at += 12;
    } else if (IsHigh(unit) || IsLow(unit)) {
      text.replace(at, 6, "\\ufffd");
      at += 6;
    } else {
      at += 2;  // Of any other escape, so that \\ is not taken apart.
    }
  }
  return text;
}

}  // namespace so::init
