#include "sandbox/isolation/root_tree.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "base/unique_fd.h"
#include "sandbox/isolation/mounts.h"
#include "sandbox/protocol/egress_network.h"

namespace so::isolation {
namespace {

// Any directory that is always there: the tree is put together over it.
constexpr const char* kBuildingSite = "/proc";

constexpr const char* kDirectories[] = {
    "usr",         "etc", "dev",       "dev/shm",  "proc",
    "tmp",         "var", "var/empty", "var/task", "var/output",
    "var/runtime", "opt", "opt/so"};

// Where a merged /usr is known under its old names.
constexpr const char* kUsrLinks[] = {"bin",   "sbin",  "lib",
                                     "lib32", "lib64", "libx32"};

constexpr const char* kDevices[] = {"null", "zero", "full", "random",
                                    "urandom"};

// Of the host's /etc, as far as they exist: what programs in /usr need to find
// their libraries, their commands and the certificates they trust.
constexpr const char* kHostEtc[] = {"/etc/ld.so.cache", "/etc/alternatives",
                                    "/etc/ssl/certs", "/etc/ssl/openssl.cnf"};

struct File {
  const char* path;
  const char* text;
};
constexpr File kFiles[] = {
    {"etc/passwd",
     "root:x:0:0:root:/:/usr/sbin/nologin\n"
     "sandbox:x:1000:1000:sandbox:/tmp:/bin/sh\n"
     "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n"},
    {"etc/group", "root:x:0:\nsandbox:x:1000:\nnogroup:x:65534:\n"},
    {"etc/hosts",
     "127.0.0.1 localhost sandbox\n"
     "::1 localhost ip6-localhost ip6-loopback\n"},
    {"etc/nsswitch.conf",
     "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
     "networks: files\nprotocols: files\nservices: files\n"},
    // Without an outbound network there is no way there, and looking up a name
    // fails at once.
    {"etc/resolv.conf", egress::kResolvConf},
    {"etc/hostname", "sandbox\n"},
};

struct Link {
  const char* path;
  const char* target;
};
constexpr Link kLinks[] = {
    {"etc/localtime", "/usr/share/zoneinfo/UTC"},
    {"etc/mtab", "/proc/self/mounts"},
    {"dev/fd", "/proc/self/fd"},
    {"dev/stdin", "/proc/self/fd/0"},
    {"dev/stdout", "/proc/self/fd/1"},
    {"dev/stderr", "/proc/self/fd/2"},
};

// A mount taken from the host before its tree goes out of sight.
struct Taken {
  UniqueFd mount;
  // Relative to the new root.
  std::string target;
  bool directory = true;
};

Outcome Take(const std::string& source, const std::string& target,
             unsigned attributes, bool whole_tree, std::vector<Taken>& taken) {
  // Through the links of the host's administrator, as far as there are any.
  char* resolved = realpath(source.c_str(), nullptr);
  if (resolved == nullptr) return Failed("find a mounted path");
  const std::string path = resolved;
  free(resolved);
  struct stat info;
  SO_RETURN_IF_FAILED(Check(stat(path.c_str(), &info), "stat"));
  Taken one;
  SO_RETURN_IF_FAILED(
      CloneMount(path.c_str(), attributes, whole_tree, one.mount));
  one.target = target.substr(1);
  one.directory = S_ISDIR(info.st_mode);
  taken.push_back(std::move(one));
  return {};
}

Outcome TakeFromHost(const std::vector<BoundDirectory>& directories,
                     std::vector<Taken>& taken) {
  SO_RETURN_IF_FAILED(
      Take("/usr", "/usr", kReadOnly | kNoDevices, true, taken));
  for (const char* name : kUsrLinks) {
    const std::string path = std::string("/") + name;
    struct stat info;
    if (lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
      SO_RETURN_IF_FAILED(
          Take(path, path, kReadOnly | kNoDevices, true, taken));
    }
  }
  for (const char* path : kHostEtc) {
    if (access(path, F_OK) != 0) continue;
    SO_RETURN_IF_FAILED(
        Take(path, path, kReadOnly | kNoDevices | kNoExec, false, taken));
  }
  for (const char* name : kDevices) {
    const std::string path = std::string("/dev/") + name;
    SO_RETURN_IF_FAILED(Take(path, path, kReadOnly | kNoExec, false, taken));
  }
  for (const BoundDirectory& bound : directories) {
    SO_RETURN_IF_FAILED(
        Take(bound.source, bound.target, kReadOnly | kNoDevices, true, taken));
  }
  return {};
}

Outcome MakeDirectory(const std::string& path) {
  if (mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return {};
  return Failed("make a directory of the root tree");
}

Outcome WriteNewFile(const char* path, const char* text) {
  const UniqueFd file(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  SO_RETURN_IF_FAILED(Check(file.get(), "make a file of the root tree"));
  const size_t size = std::strlen(text);
  return Check(write(file.get(), text, size), "write a file of the root tree");
}

// The mount point of `taken`, with the directories above it.
Outcome MakeMountPoint(const Taken& taken) {
  for (size_t slash = taken.target.find('/'); slash != std::string::npos;
       slash = taken.target.find('/', slash + 1)) {
    SO_RETURN_IF_FAILED(MakeDirectory(taken.target.substr(0, slash)));
  }
  return taken.directory ? MakeDirectory(taken.target)
                         : WriteNewFile(taken.target.c_str(), "");
}

Outcome MakeUsrLinks(const std::vector<Taken>& taken) {
  for (const char* name : kUsrLinks) {
    bool is_mounted = false;
    for (const Taken& one : taken) is_mounted |= one.target == name;
    const std::string target = std::string("usr/") + name;
    if (is_mounted || access(target.c_str(), F_OK) != 0) continue;
    SO_RETURN_IF_FAILED(Check(symlink(target.c_str(), name), "link"));
  }
  return {};
}

// In the new root, which is the current directory.
Outcome Furnish(const std::vector<Taken>& taken) {
  for (const char* path : kDirectories) {
    SO_RETURN_IF_FAILED(MakeDirectory(path));
  }
  for (const File& file : kFiles) {
    SO_RETURN_IF_FAILED(WriteNewFile(file.path, file.text));
  }
  for (const Link& link : kLinks) {
    SO_RETURN_IF_FAILED(Check(symlink(link.target, link.path), "link"));
  }
  for (const Taken& one : taken) {
    SO_RETURN_IF_FAILED(MakeMountPoint(one));
    SO_RETURN_IF_FAILED(AttachMount(one.mount, one.target.c_str()));
  }
  return MakeUsrLinks(taken);
}

}  // namespace

Outcome EnterRootTree(const std::vector<BoundDirectory>& directories) {
  umask(0022);
  SO_RETURN_IF_FAILED(DetachPropagation());
  std::vector<Taken> taken;
  SO_RETURN_IF_FAILED(TakeFromHost(directories, taken));
  SO_RETURN_IF_FAILED(
      MountTmpfs(kBuildingSite, kNoDevices, "size=1m,nr_inodes=512,mode=0755"));
  SO_RETURN_IF_FAILED(Check(chdir(kBuildingSite), "chdir"));
  SO_RETURN_IF_FAILED(Furnish(taken));
  SO_RETURN_IF_FAILED(PivotToCurrentDirectory());
  // Writable: sandboxes set up their user through it, then replace it.
  SO_RETURN_IF_FAILED(Check(
      mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr),
      "mount proc"));
  return ChangeMount("/", kReadOnly | kNoDevices);
}

}  // namespace so::isolation
