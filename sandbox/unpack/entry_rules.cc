#include "sandbox/unpack/entry_rules.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <vector>

namespace so::unpack {
namespace {

constexpr size_t kMaxNameBytes = 255;
constexpr size_t kMaxPathBytes = 1024;
constexpr size_t kMaxQuotedBytes = 120;

std::vector<std::string_view> Split(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.push_back(part);
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return parts;
}

// Names that differ only in this are the same file on other systems. Only ASCII
// letters: what the others fold to depends on the system.
std::string WithoutCase(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

bool HasControlCharacter(std::string_view name) {
  return std::any_of(name.begin(), name.end(),
                     [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::string CheckKind(const Entry& entry) {
  switch (entry.kind) {
    case Entry::Kind::kSymlink:
      return "is a symbolic link; only files and folders are taken";
    case Entry::Kind::kHardlink:
      return "is a hard link; only files and folders are taken";
    case Entry::Kind::kOther:
      return "is neither a file nor a folder";
    case Entry::Kind::kFolder:
      return "";
    case Entry::Kind::kFile:
      break;
  }
  if (entry.encrypted) return "is encrypted";
  if ((entry.mode & (S_ISUID | S_ISGID)) != 0) {
    return "has a set-user-id or set-group-id bit";
  }
  return "";
}

std::string CheckName(std::string_view name) {
  if (name.empty()) return "has no name";
  if (name.size() > kMaxPathBytes) return "has a name of more than 1024 bytes";
  if (HasControlCharacter(name)) return "has a control character in its name";
  if (name[0] == '/' || name[0] == '\\' ||
      (name.size() > 1 && name[1] == ':')) {
    return "has an absolute path";
  }
  return "";
}

}  // namespace

std::string EntryRules::Check(const Entry& entry, std::string& path) {
  if (++entries_ > limits_.entries) {
    return "the archive has more than " + std::to_string(limits_.entries) +
           " entries";
  }
  const auto refuse = [&](const std::string& reason) {
    return "entry " + Quoted(entry.name) + " " + reason;
  };
  for (const std::string& reason : {CheckName(entry.name), CheckKind(entry)}) {
    if (!reason.empty()) return refuse(reason);
  }
  const std::vector<std::string_view> parts = Split(entry.name);
  const bool folder = entry.kind == Entry::Kind::kFolder;
  if (parts.empty() && !folder) return refuse("has no name");
  if (static_cast<int>(parts.size()) > limits_.depth) {
    return refuse("is more than " + std::to_string(limits_.depth) +
                  " folders deep");
  }
  path.clear();
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == "..") return refuse("leaves the folder by \"..\"");
    if (parts[i].size() > kMaxNameBytes) {
      return refuse("has a name of more than 255 bytes");
    }
    if (i > 0) path += '/';
    path += parts[i];
    const bool last = i + 1 == parts.size();
    std::string reason = CheckUnique(path, folder || !last);
    if (reason.empty() && last && !folder &&
        !seen_.insert({WithoutCase(path), {path, false}}).second) {
      reason = "is there twice";
    }
    if (!reason.empty()) return refuse(reason);
  }
  return "";
}

// Lets a folder through as often as it comes; a file is entered by the caller.
std::string EntryRules::CheckUnique(const std::string& path, bool folder) {
  const auto it = seen_.find(WithoutCase(path));
  if (it == seen_.end()) {
    if (folder) seen_.insert({WithoutCase(path), {path, true}});
    return "";
  }
  if (it->second.path != path) {
    return "differs from " + Quoted(it->second.path) + " only in case";
  }
  if (it->second.folder != folder) return "is both a file and a folder";
  return folder ? "" : "is there twice";
}

std::string EntryRules::Count(int64_t bytes) {
  bytes_ += bytes;
  if (bytes_ > limits_.bytes) {
    return "the archive unpacks to more than " +
           std::to_string(limits_.bytes >> 20) + " MB";
  }
  if (bytes_ > limits_.ratio_free_bytes &&
      bytes_ / limits_.ratio > packed_bytes_) {
    return "the archive unpacks to more than " + std::to_string(limits_.ratio) +
           " times its size";
  }
  return "";
}

std::string Quoted(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name.substr(0, kMaxQuotedBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte >= 0x20 && byte < 0x7f) {
      quoted += c;
    } else {
      char escape[5];
      std::snprintf(escape, sizeof(escape), "\\x%02x", byte);
      quoted += escape;
    }
  }
  return quoted + (name.size() > kMaxQuotedBytes ? "...\"" : "\"");
}

}  // namespace so::unpack
