#include "sandbox/isolation/mounts.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace so::isolation {
namespace {

unsigned long MountFlags(unsigned attributes) {
  unsigned long flags = MS_NOSUID;
  if ((attributes & kReadOnly) != 0) flags |= MS_RDONLY;
  if ((attributes & kNoDevices) != 0) flags |= MS_NODEV;
  if ((attributes & kNoExec) != 0) flags |= MS_NOEXEC;
  return flags;
}

uint64_t MountAttributes(unsigned attributes) {
  uint64_t attr = MOUNT_ATTR_NOSUID;
  if ((attributes & kReadOnly) != 0) attr |= MOUNT_ATTR_RDONLY;
  if ((attributes & kNoDevices) != 0) attr |= MOUNT_ATTR_NODEV;
  if ((attributes & kNoExec) != 0) attr |= MOUNT_ATTR_NOEXEC;
  return attr;
}

}  // namespace

Outcome CloneMount(const char* path, unsigned attributes, bool whole_tree,
                   UniqueFd& mount) {
  const unsigned recursive = whole_tree ? AT_RECURSIVE : 0;
  mount.Reset(static_cast<int>(syscall(
      SYS_open_tree, AT_FDCWD, path,
      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW | recursive)));
  SO_RETURN_IF_FAILED(Check(mount.get(), "open_tree"));
  mount_attr attr = {};
  attr.attr_set = MountAttributes(attributes);
  attr.propagation = MS_PRIVATE;
  return Check(syscall(SYS_mount_setattr, mount.get(), "",
                       AT_EMPTY_PATH | recursive, &attr, sizeof(attr)),
               "mount_setattr");
}

Outcome AttachMount(const UniqueFd& mount, const char* target) {
  return Check(syscall(SYS_move_mount, mount.get(), "", AT_FDCWD, target,
                       MOVE_MOUNT_F_EMPTY_PATH),
               "move_mount");
}

Outcome MountTmpfs(const char* target, unsigned attributes,
                   const char* options) {
  return Check(mount("tmpfs", target, "tmpfs", MountFlags(attributes), options),
               "mount tmpfs");
}

Outcome ChangeMount(const char* target, unsigned attributes) {
  return Check(mount(nullptr, target, nullptr,
                     MS_REMOUNT | MS_BIND | MountFlags(attributes), nullptr),
               "remount");
}

Outcome DetachPropagation() {
  return Check(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr),
               "mount private");
}

Outcome PivotToCurrentDirectory() {
  SO_RETURN_IF_FAILED(Check(syscall(SYS_pivot_root, ".", "."), "pivot_root"));
  SO_RETURN_IF_FAILED(Check(umount2(".", MNT_DETACH), "unmount the old root"));
  return Check(chdir("/"), "chdir");
}

}  // namespace so::isolation
