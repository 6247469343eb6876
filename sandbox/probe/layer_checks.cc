#include "sandbox/probe/layer_checks.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "sandbox/isolation/namespaces.h"

namespace so {
namespace {

class Problems {
 public:
  // Notes it unless `holds`.
  void Expect(bool holds, const char* layer, const std::string& text) {
    if (!holds) found_.push_back(std::string(layer) + "|" + text);
  }
  std::vector<std::string> Take() { return std::move(found_); }

 private:
  std::vector<std::string> found_;
};

// The value after "NAME:" in /proc/self/status.
std::string StatusField(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(name + ":", 0) == 0) {
      std::istringstream rest(line.substr(name.size() + 1));
      std::string value;
      rest >> value;
      return value;
    }
  }
  return "";
}

void CheckUserNamespace(Problems& problems) {
  std::ifstream map("/proc/self/uid_map");
  unsigned long inside = 0, outside = 0, count = 0;
  map >> inside >> outside >> count;
  std::string more;
  map >> more;
  problems.Expect(inside == isolation::kSandboxUser && outside != 0 &&
                      count == 1 && more.empty(),
                  "user namespace", "more than one user is mapped");
}

void CheckIdentity(Problems& problems) {
  uid_t real, effective, saved;
  getresuid(&real, &effective, &saved);
  problems.Expect(real != 0 && effective == real && saved == real, "identity",
                  "the user is privileged");
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    problems.Expect(StatusField(set) == "0000000000000000", "identity",
                    std::string("capabilities are left in ") + set);
  }
  problems.Expect(StatusField("NoNewPrivs") == "1", "identity",
                  "no_new_privs is not set");
}

void CheckProcesses(Problems& problems) {
  problems.Expect(getpid() == 1, "processes", "there is no pid namespace");
  std::ifstream cgroups("/proc/self/cgroup");
  for (std::string line; std::getline(cgroups, line);) {
    problems.Expect(line.size() > 2 && line.substr(line.size() - 2) == ":/",
                    "processes", "cgroups of the host are visible");
  }
}

void CheckNetwork(Problems& problems) {
  std::ifstream devices("/proc/self/net/dev");
  std::string line;
  // Two lines of headings.
  std::getline(devices, line);
  std::getline(devices, line);
  while (std::getline(devices, line)) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    problems.Expect(name == "lo:", "network namespace",
                    "there is a network interface " + name);
  }
}

void CheckFilter(Problems& problems) {
  problems.Expect(StatusField("Seccomp") == "2", "seccomp",
                  "no filter is installed");
  const int family = socket(AF_VSOCK, SOCK_STREAM, 0);
  problems.Expect(family < 0 && errno == EAFNOSUPPORT, "seccomp",
                  "sockets to the hypervisor can be made");
  problems.Expect(unshare(CLONE_NEWUSER) != 0 && errno == EPERM, "seccomp",
                  "namespaces can be made");
  problems.Expect(syscall(SYS_keyctl, 0, 0, 0, 0, 0) < 0 && errno == EPERM,
                  "seccomp", "key rings can be used");
}

void CheckFiles(Problems& problems) {
  struct statvfs root;
  problems.Expect(statvfs("/", &root) == 0 && (root.f_flag & ST_RDONLY) != 0 &&
                      open("/probe", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0,
                  "files", "the root is writable");
  for (const char* path :
       {"/root", "/home", "/sys", "/run", "/boot", "/etc/shadow", "/var/lib"}) {
    problems.Expect(access(path, F_OK) != 0, "files",
                    std::string(path) + " of the host is visible");
  }
  problems.Expect(
      mount("tmpfs", "/tmp", "tmpfs", 0, nullptr) != 0 && errno == EPERM,
      "files", "file systems can be mounted");
  const int scratch = open("/tmp/probe", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  problems.Expect(scratch >= 0, "files", "/tmp is not writable");
  close(scratch);
  unlink("/tmp/probe");
  const int setting = open("/proc/sys/kernel/domainname", O_WRONLY | O_CLOEXEC);
  problems.Expect(setting < 0, "files", "settings of the kernel are writable");
}

}  // namespace

std::vector<std::string> FindLayerProblems() {
  Problems problems;
  CheckUserNamespace(problems);
  CheckIdentity(problems);
  CheckProcesses(problems);
  CheckNetwork(problems);
  CheckFilter(problems);
  CheckFiles(problems);
  return problems.Take();
}

}  // namespace so
