#include "sandbox/cgroups/mount_table.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace so::cgroups {
namespace {

bool IsOctal(char c) { return c >= '0' && c <= '7'; }

// Spaces and the like in paths are written as \040.
std::string Unescape(absl::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && IsOctal(text[i + 1]) &&
        IsOctal(text[i + 2]) && IsOctal(text[i + 3])) {
      out.push_back(static_cast<char>((text[i + 1] - '0') * 64 +
                                      (text[i + 2] - '0') * 8 +
                                      (text[i + 3] - '0')));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

bool HasOption(const std::vector<std::string>& options,
               absl::string_view option) {
  return std::find(options.begin(), options.end(), option) != options.end();
}

CgroupVersion VersionOf(absl::string_view type) {
  if (type == "cgroup") return CgroupVersion::kV1;
  if (type == "cgroup2") return CgroupVersion::kV2;
  return CgroupVersion::kNone;
}

// mountinfo: id parent device ROOT MOUNT_POINT OPTIONS optional... - TYPE
// SOURCE SUPER_OPTIONS
std::optional<CgroupMount> ParseMount(absl::string_view line) {
  const std::vector<std::string> halves =
      absl::StrSplit(line, absl::MaxSplits(" - ", 1));
  if (halves.size() != 2) return std::nullopt;
  const std::vector<std::string> left = absl::StrSplit(halves[0], ' ');
  const std::vector<std::string> right = absl::StrSplit(halves[1], ' ');
  if (left.size() < 6 || right.size() < 3) return std::nullopt;
  const CgroupVersion version = VersionOf(right[0]);
  if (version == CgroupVersion::kNone) return std::nullopt;
  const std::vector<std::string> options = absl::StrSplit(left[5], ',');
  std::vector<std::string> super = absl::StrSplit(right[2], ',');
  CgroupMount mount;
  mount.version = version;
  mount.root = Unescape(left[3]);
  mount.mount_point = Unescape(left[4]);
  mount.read_only = HasOption(options, "ro") || HasOption(super, "ro");
  if (version == CgroupVersion::kV1) mount.controllers = std::move(super);
  return mount;
}

// ID:CONTROLLERS:GROUP
std::optional<CgroupMembership> ParseMembership(absl::string_view line) {
  const std::vector<std::string> fields =
      absl::StrSplit(line, absl::MaxSplits(':', 2));
  if (fields.size() != 3) return std::nullopt;
  CgroupMembership membership;
  membership.group = fields[2];
  if (fields[0] == "0" && fields[1].empty()) {
    membership.version = CgroupVersion::kV2;
  } else {
    membership.version = CgroupVersion::kV1;
    membership.controllers = absl::StrSplit(fields[1], ',');
  }
  return membership;
}

template <typename T>
std::vector<T> ParseLines(absl::string_view text,
                          std::optional<T> (*parse)(absl::string_view)) {
  std::vector<T> all;
  for (const absl::string_view line :
       absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    if (std::optional<T> parsed = parse(line)) all.push_back(*parsed);
  }
  return all;
}

}  // namespace

std::vector<CgroupMount> ParseMounts(absl::string_view mountinfo) {
  return ParseLines(mountinfo, &ParseMount);
}

std::vector<CgroupMembership> ParseMemberships(absl::string_view cgroup) {
  return ParseLines(cgroup, &ParseMembership);
}

std::optional<std::string> DirectoryOf(const CgroupMount& mount,
                                       absl::string_view group) {
  // Seen from inside another cgroup namespace, names start with "/..".
  if (absl::StartsWith(group, "/..") || absl::StartsWith(mount.root, "/.."))
    return std::nullopt;
  absl::string_view below = group;
  if (mount.root != "/") {
    if (!absl::ConsumePrefix(&below, mount.root)) return std::nullopt;
    if (!below.empty() && below[0] != '/') return std::nullopt;
  }
  absl::ConsumeSuffix(&below, "/");
  return absl::StrCat(absl::StripSuffix(mount.mount_point, "/"), below);
}

}  // namespace so::cgroups
