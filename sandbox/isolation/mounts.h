#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/unique_fd.h"
#include "sandbox/isolation/outcome.h"

// Single mounts, by the kernel's mount calls.
namespace so::isolation {

// Attributes of a mount; all are nosuid.
inline constexpr unsigned kReadOnly = 1;
inline constexpr unsigned kNoDevices = 2;
inline constexpr unsigned kNoExec = 4;

// A copy of the mount at `path` (a directory or file) with these attributes,
// attached nowhere yet. `whole_tree`: with the mounts below it.
Outcome CloneMount(const char* path, unsigned attributes, bool whole_tree,
                   UniqueFd& mount);

// Attaches it at `target`, an existing directory or file like the cloned one.
Outcome AttachMount(const UniqueFd& mount, const char* target);

// `options` as tmpfs understands them.
Outcome MountTmpfs(const char* target, unsigned attributes,
                   const char* options);

// Changes the attributes of the mount at `target`, leaving its file system
// alone.
Outcome ChangeMount(const char* target, unsigned attributes);

// No change of mounts made from now on is seen outside, nor the reverse.
Outcome DetachPropagation();

// Makes the current directory, a mount, the root, and unmounts the old one.
Outcome PivotToCurrentDirectory();

}  // namespace so::isolation
