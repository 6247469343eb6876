#include "sandbox/isolation/seccomp_filter.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <initializer_list>
#include <memory>

#include "base/unique_fd.h"
#include "sandbox/isolation/syscall_table.h"

namespace so::isolation {
namespace {

struct Release {
  void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, Release>;

constexpr uint32_t kRefuse = SCMP_ACT_ERRNO(EPERM);
// libseccomp compares 64 bits; an argument of 32 has the others undefined.
constexpr uint64_t kLow = 0xffffffff;

// O_TMPFILE without O_DIRECTORY, which it includes.
constexpr uint64_t kTemporaryFile = O_TMPFILE & ~O_DIRECTORY;

constexpr int kNamespaceFlags[] = {CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS,
                                   CLONE_NEWIPC, CLONE_NEWUSER,   CLONE_NEWPID,
                                   CLONE_NEWNET};

constexpr int kFamilies[] = {AF_UNIX, AF_INET, AF_INET6};
// From this power of two on there is none of them: each higher bit is refused.
constexpr int kHigherFamilies = 16;

// libseccomp answers with negative errno values.
Outcome CheckRule(int result, const char* step) {
  if (result >= 0) return {};
  return {step, -result};
}

Outcome Add(const Context& context, uint32_t action, const char* name) {
  const int number = seccomp_syscall_resolve_name(name);
  // Not a call of this architecture, or one newer than libseccomp.
  if (number < 0) return {};
  return CheckRule(
      seccomp_rule_add_array(context.get(), action, number, 0, nullptr), name);
}

Outcome AddRule(const Context& context, uint32_t action, const char* name,
                std::initializer_list<scmp_arg_cmp> conditions) {
  const int number = seccomp_syscall_resolve_name(name);
  if (number < 0) return {};
  return CheckRule(
      seccomp_rule_add_array(context.get(), action, number,
                             static_cast<unsigned>(conditions.size()),
                             conditions.begin()),
      name);
}

scmp_arg_cmp Has(unsigned argument, uint64_t bits) {
  return SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, bits, bits);
}

scmp_arg_cmp HasNone(unsigned argument, uint64_t bits) {
  return SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, bits, 0);
}

scmp_arg_cmp Is(unsigned argument, uint64_t value) {
  return SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, kLow, value);
}

Outcome AddClone(const Context& context) {
  uint64_t all = 0;
  for (const int flag : kNamespaceFlags) {
    all |= static_cast<uint32_t>(flag);
    SO_RETURN_IF_FAILED(AddRule(context, kRefuse, "clone",
                                {Has(0, static_cast<uint32_t>(flag))}));
  }
  return AddRule(context, SCMP_ACT_ALLOW, "clone", {HasNone(0, all)});
}

Outcome AddSockets(const Context& context, const char* name) {
  const uint32_t unsupported = SCMP_ACT_ERRNO(EAFNOSUPPORT);
  for (int family = 0; family < kHigherFamilies; ++family) {
    bool allowed = false;
    for (const int one : kFamilies) allowed |= one == family;
    SO_RETURN_IF_FAILED(AddRule(context, allowed ? SCMP_ACT_ALLOW : unsupported,
                                name, {Is(0, static_cast<uint64_t>(family))}));
  }
  for (uint64_t bit = kHigherFamilies; bit <= kLow; bit <<= 1) {
    SO_RETURN_IF_FAILED(AddRule(context, unsupported, name, {Has(0, bit)}));
  }
  return {};
}

// A call that sets the mode given by an argument: not set-user-id nor
// set-group-id. Such a file would be harmless in the sandbox, but what a build
// writes is on the host afterwards.
Outcome AddChangeOfMode(const Context& context, const char* name,
                        unsigned mode) {
  SO_RETURN_IF_FAILED(AddRule(context, kRefuse, name, {Has(mode, S_ISUID)}));
  SO_RETURN_IF_FAILED(AddRule(context, kRefuse, name, {Has(mode, S_ISGID)}));
  return AddRule(context, SCMP_ACT_ALLOW, name,
                 {HasNone(mode, S_ISUID | S_ISGID)});
}

// The same for opening files: the mode counts only when one may be created.
Outcome AddOpen(const Context& context, const char* name, unsigned flags) {
  const unsigned mode = flags + 1;
  for (const uint64_t create : {uint64_t{O_CREAT}, kTemporaryFile}) {
    for (const uint64_t bit : {S_ISUID, S_ISGID}) {
      SO_RETURN_IF_FAILED(AddRule(context, kRefuse, name,
                                  {Has(flags, create), Has(mode, bit)}));
    }
  }
  SO_RETURN_IF_FAILED(AddRule(context, SCMP_ACT_ALLOW, name,
                              {HasNone(flags, O_CREAT | kTemporaryFile)}));
  return AddRule(context, SCMP_ACT_ALLOW, name,
                 {HasNone(mode, S_ISUID | S_ISGID)});
}

Outcome AddModes(const Context& context) {
  SO_RETURN_IF_FAILED(AddChangeOfMode(context, "chmod", 1));
  SO_RETURN_IF_FAILED(AddChangeOfMode(context, "fchmod", 1));
  SO_RETURN_IF_FAILED(AddChangeOfMode(context, "fchmodat", 2));
  SO_RETURN_IF_FAILED(AddChangeOfMode(context, "creat", 1));
  SO_RETURN_IF_FAILED(AddOpen(context, "open", 1));
  return AddOpen(context, "openat", 2);
}

Outcome AddConditional(const Context& context) {
  SO_RETURN_IF_FAILED(AddClone(context));
  SO_RETURN_IF_FAILED(AddModes(context));
  SO_RETURN_IF_FAILED(AddSockets(context, "socket"));
  SO_RETURN_IF_FAILED(AddSockets(context, "socketpair"));
  SO_RETURN_IF_FAILED(
      AddRule(context, SCMP_ACT_ALLOW, "personality", {Is(0, 0)}));
  SO_RETURN_IF_FAILED(AddRule(context, kRefuse, "personality",
                              {SCMP_CMP64(0, SCMP_CMP_NE, 0)}));
  SO_RETURN_IF_FAILED(AddRule(context, SCMP_ACT_ALLOW, "seccomp",
                              {HasNone(1, SECCOMP_FILTER_FLAG_NEW_LISTENER)}));
  SO_RETURN_IF_FAILED(AddRule(context, kRefuse, "seccomp",
                              {Has(1, SECCOMP_FILTER_FLAG_NEW_LISTENER)}));
  return {};
}

// The program goes through a file: libseccomp 2.5 writes it nowhere else.
Outcome Export(const Context& context, std::vector<sock_filter>& program) {
  const UniqueFd file(memfd_create("filter", MFD_CLOEXEC));
  SO_RETURN_IF_FAILED(Check(file.get(), "memfd for the filter"));
  SO_RETURN_IF_FAILED(CheckRule(seccomp_export_bpf(context.get(), file.get()),
                                "export the filter"));
  const off_t size = lseek(file.get(), 0, SEEK_END);
  SO_RETURN_IF_FAILED(Check(size, "size of the filter"));
  program.resize(static_cast<size_t>(size) / sizeof(sock_filter));
  return Check(pread(file.get(), program.data(), static_cast<size_t>(size), 0),
               "read the filter");
}

}  // namespace

Outcome SeccompFilter::Build(SeccompFilter& filter) {
  const Context context(seccomp_init(SCMP_ACT_ERRNO(ENOSYS)));
  if (context == nullptr) return {"make a filter", ENOMEM};
  SO_RETURN_IF_FAILED(
      CheckRule(seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH,
                                 SCMP_ACT_KILL_PROCESS),
                "filter attribute"));
  // A tree over the numbers instead of a list: the kernel walks the program for
  // each number when it is installed.
  SO_RETURN_IF_FAILED(
      CheckRule(seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2),
                "filter attribute"));
  for (const char* name : AllowedSyscalls()) {
    SO_RETURN_IF_FAILED(Add(context, SCMP_ACT_ALLOW, name));
  }
  for (const int number : AllowedSyscallNumbers()) {
    SO_RETURN_IF_FAILED(
        CheckRule(seccomp_rule_add_array(context.get(), SCMP_ACT_ALLOW, number,
                                         0, nullptr),
                  "filter rule"));
  }
  for (const char* name : DeniedSyscalls()) {
    SO_RETURN_IF_FAILED(Add(context, kRefuse, name));
  }
  SO_RETURN_IF_FAILED(AddConditional(context));
  return Export(context, filter.program_);
}

Outcome SeccompFilter::Install() const {
  sock_fprog program = {static_cast<unsigned short>(program_.size()),
                        const_cast<sock_filter*>(program_.data())};
  return Check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program),
               "install the filter");
}

}  // namespace so::isolation
