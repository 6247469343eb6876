#include "sandbox/isolation/seccomp_filter.h"

#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
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

Outcome AddWhen(const Context& context, uint32_t action, const char* name,
                scmp_arg_cmp condition) {
  const int number = seccomp_syscall_resolve_name(name);
  if (number < 0) return {};
  return CheckRule(
      seccomp_rule_add_array(context.get(), action, number, 1, &condition),
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
    SO_RETURN_IF_FAILED(AddWhen(context, kRefuse, "clone",
                                Has(0, static_cast<uint32_t>(flag))));
  }
  return AddWhen(context, SCMP_ACT_ALLOW, "clone", HasNone(0, all));
}

Outcome AddSockets(const Context& context, const char* name) {
  const uint32_t unsupported = SCMP_ACT_ERRNO(EAFNOSUPPORT);
  for (int family = 0; family < kHigherFamilies; ++family) {
    bool allowed = false;
    for (const int one : kFamilies) allowed |= one == family;
    SO_RETURN_IF_FAILED(AddWhen(context, allowed ? SCMP_ACT_ALLOW : unsupported,
                                name, Is(0, static_cast<uint64_t>(family))));
  }
  for (uint64_t bit = kHigherFamilies; bit <= kLow; bit <<= 1) {
    SO_RETURN_IF_FAILED(AddWhen(context, unsupported, name, Has(0, bit)));
  }
  return {};
}

Outcome AddConditional(const Context& context) {
  SO_RETURN_IF_FAILED(AddClone(context));
  SO_RETURN_IF_FAILED(AddSockets(context, "socket"));
  SO_RETURN_IF_FAILED(AddSockets(context, "socketpair"));
  SO_RETURN_IF_FAILED(
      AddWhen(context, SCMP_ACT_ALLOW, "personality", Is(0, 0)));
  SO_RETURN_IF_FAILED(
      AddWhen(context, kRefuse, "personality", SCMP_CMP64(0, SCMP_CMP_NE, 0)));
  SO_RETURN_IF_FAILED(AddWhen(context, SCMP_ACT_ALLOW, "seccomp",
                              HasNone(1, SECCOMP_FILTER_FLAG_NEW_LISTENER)));
  SO_RETURN_IF_FAILED(AddWhen(context, kRefuse, "seccomp",
                              Has(1, SECCOMP_FILTER_FLAG_NEW_LISTENER)));
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
