#include "sandbox/isolation/sandbox_mounts.h"

#include <sys/mount.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>

#include "sandbox/isolation/mounts.h"
#include "sandbox/isolation/root_tree.h"

namespace so::isolation {
namespace {

// Files of /proc about the host or its kernel; each that exists is hidden.
constexpr const char* kHiddenFiles[] = {
    "/proc/kcore",      "/proc/keys",          "/proc/key-users",
    "/proc/timer_list", "/proc/sysrq-trigger", "/proc/latency_stats",
    "/proc/kallsyms",   "/proc/kmsg",          "/proc/config.gz",
    "/proc/cmdline",    "/proc/sched_debug"};
constexpr const char* kHiddenDirectories[] = {
    "/proc/acpi", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/scsi"};

Outcome Hide(const char* path, const char* cover) {
  if (mount(cover, path, nullptr, MS_BIND, nullptr) == 0) return {};
  return errno == ENOENT ? Outcome{} : Failed("hide a part of proc");
}

// Over the zygote's, which cannot be reached from then on. Unmounting it would
// wait for every processor of the machine.
Outcome MountProc() {
  SO_RETURN_IF_FAILED(Check(
      mount("proc", "/proc", "proc",
            MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, "hidepid=invisible"),
      "mount proc"));
  for (const char* path : kHiddenFiles) {
    SO_RETURN_IF_FAILED(Hide(path, "/dev/null"));
  }
  for (const char* path : kHiddenDirectories) {
    SO_RETURN_IF_FAILED(Hide(path, kEmptyDirectory));
  }
  return {};
}

}  // namespace

Outcome MountSandbox(uid_t owner, const ScratchLimits& scratch) {
  char options[128];
  std::snprintf(options, sizeof(options),
                "size=%" PRIu64 ",nr_inodes=%" PRIu32
                ",mode=1777,uid=%u,gid=%u",
                scratch.bytes, scratch.inodes, owner, owner);
  SO_RETURN_IF_FAILED(MountTmpfs("/tmp", kNoDevices, options));
  std::snprintf(options, sizeof(options),
                "size=16m,nr_inodes=1024,mode=1777,uid=%u,gid=%u", owner,
                owner);
  SO_RETURN_IF_FAILED(MountTmpfs("/dev/shm", kNoDevices | kNoExec, options));
  return MountProc();
}

}  // namespace so::isolation
