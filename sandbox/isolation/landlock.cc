#include "sandbox/isolation/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "base/unique_fd.h"

namespace so::isolation {
namespace {

// As in recent kernel headers; Debian's know only the first versions.
constexpr uint64_t kRefer = 1 << 13;
constexpr uint64_t kTruncate = 1 << 14;
constexpr uint64_t kScopeAbstractSocket = 1 << 0;
constexpr uint64_t kScopeSignal = 1 << 1;
struct RulesetAttributes {
  uint64_t handled_access_fs;
  uint64_t handled_access_net;
  uint64_t scoped;
};

constexpr uint64_t kReadRights = LANDLOCK_ACCESS_FS_EXECUTE |
                                 LANDLOCK_ACCESS_FS_READ_FILE |
                                 LANDLOCK_ACCESS_FS_READ_DIR;
// Device nodes are never made: nothing grants MAKE_CHAR and MAKE_BLOCK.
constexpr uint64_t kWriteRights =
    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM;
constexpr uint64_t kDeviceRights =
    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK;

uint64_t LaterRights(int version) {
  return (version >= 2 ? kRefer : 0) | (version >= 3 ? kTruncate : 0);
}

Outcome Allow(const UniqueFd& ruleset, const char* path, uint64_t rights) {
  const UniqueFd directory(open(path, O_PATH | O_CLOEXEC));
  SO_RETURN_IF_FAILED(Check(directory.get(), "landlock path"));
  landlock_path_beneath_attr rule = {};
  rule.allowed_access = rights;
  rule.parent_fd = directory.get();
  return Check(syscall(SYS_landlock_add_rule, ruleset.get(),
                       LANDLOCK_RULE_PATH_BENEATH, &rule, 0),
               "landlock rule");
}

// An older kernel takes a longer structure as long as the rest is zero.
Outcome MakeRuleset(int version, UniqueFd& ruleset) {
  RulesetAttributes attributes = {};
  attributes.handled_access_fs =
      kReadRights | kWriteRights | kDeviceRights | LaterRights(version);
  if (version >= 6) attributes.scoped = kScopeAbstractSocket | kScopeSignal;
  ruleset.Reset(static_cast<int>(syscall(SYS_landlock_create_ruleset,
                                         &attributes, sizeof(attributes), 0)));
  return Check(ruleset.get(), "landlock ruleset");
}

}  // namespace

int LandlockVersion() {
  const long version = syscall(SYS_landlock_create_ruleset, nullptr, 0,
                               LANDLOCK_CREATE_RULESET_VERSION);
  return version > 0 ? static_cast<int>(version) : 0;
}

Outcome RestrictFiles(int version) {
  if (version == 0) return {};
  UniqueFd ruleset;
  SO_RETURN_IF_FAILED(MakeRuleset(version, ruleset));
  const uint64_t write = kReadRights | kWriteRights | LaterRights(version);
  SO_RETURN_IF_FAILED(Allow(ruleset, "/", kReadRights));
  SO_RETURN_IF_FAILED(Allow(ruleset, "/tmp", write));
  SO_RETURN_IF_FAILED(Allow(ruleset, "/dev", write));
  SO_RETURN_IF_FAILED(Allow(ruleset, "/dev/shm", write));
  // The directory itself is covered by a mount later, and what Landlock knows
  // of a covered directory does not count.
  SO_RETURN_IF_FAILED(Allow(ruleset, "/var", write));
  return Check(syscall(SYS_landlock_restrict_self, ruleset.get(), 0),
               "landlock");
}

}  // namespace so::isolation
