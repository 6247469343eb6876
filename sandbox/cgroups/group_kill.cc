#include "sandbox/cgroups/group_kill.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "sandbox/cgroups/control_file.h"

namespace so::cgroups {
namespace {

absl::StatusOr<std::set<pid_t>> Processes(const std::string& dir) {
  SO_ASSIGN_OR_RETURN(const std::string text,
                      ReadFile(absl::StrCat(dir, "/cgroup.procs")));
  std::set<pid_t> pids;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    pid_t pid = 0;
    // Processes of a pid namespace that is none of ours show up as 0.
    if (absl::SimpleAtoi(line, &pid) && pid > 0 && pid != getpid())
      pids.insert(pid);
  }
  return pids;
}

// Whatever is about to fork is killed before its child appears, or its child
// does in the next look. So a look that shows nobody new is the last.
absl::Status KillOneByOne(const std::string& dir) {
  std::set<pid_t> killed;
  while (true) {
    SO_ASSIGN_OR_RETURN(const std::set<pid_t> pids, Processes(dir));
    bool all_known = true;
    for (const pid_t pid : pids) {
      if (!killed.insert(pid).second) continue;
      all_known = false;
      if (kill(pid, SIGKILL) != 0 && errno != ESRCH)
        return absl::ErrnoToStatus(errno, absl::StrCat("kill ", pid));
    }
    if (all_known) return absl::OkStatus();
  }
}

// Thaws where that matters: v2 kills frozen processes too.
void ThawIfFrozen(const std::string& dir) {
  WriteFile(absl::StrCat(dir, "/freezer.state"), "THAWED").IgnoreError();
}

}  // namespace

absl::Status KillProcesses(const std::string& dir) {
  const absl::Status killed = WriteFile(absl::StrCat(dir, "/cgroup.kill"), "1");
  if (!absl::IsNotFound(killed)) return killed;
  // v1, or Linux before 5.14. With no room for another process, a fork bomb
  // cannot outrun this.
  WriteFile(absl::StrCat(dir, "/pids.max"), "0").IgnoreError();
  ThawIfFrozen(dir);
  return KillOneByOne(dir);
}

absl::Status RemoveGroup(const std::string& dir) {
  if (rmdir(dir.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  if (errno == EBUSY)
    return absl::UnavailableError(absl::StrCat(dir, " is still in use"));
  return absl::ErrnoToStatus(errno, absl::StrCat("rmdir ", dir));
}

absl::Status ClearBelow(const std::string& dir) {
  absl::Status result;
  for (const std::string& name : Subgroups(dir)) {
    const std::string group = absl::StrCat(dir, "/", name);
    result.Update(KillProcesses(group));
    result.Update(ClearBelow(group));
    result.Update(RemoveGroup(group));
  }
  return result;
}

}  // namespace so::cgroups
