#include "sandbox/isolation/identity.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace so::isolation {
namespace {

constexpr int kCapabilityNumbers = 64;

uint64_t Bit(int capability) { return uint64_t{1} << capability; }

Outcome SetCapabilities(uint64_t permitted, const char* step) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  for (int half = 0; half < 2; ++half) {
    data[half].permitted = static_cast<uint32_t>(permitted >> (32 * half));
    data[half].effective = data[half].permitted;
  }
  return Check(syscall(SYS_capset, &header, data), step);
}

Outcome GetPermitted(uint64_t& permitted) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  SO_RETURN_IF_FAILED(Check(syscall(SYS_capget, &header, data), "capget"));
  permitted = data[0].permitted | uint64_t{data[1].permitted} << 32;
  return {};
}

}  // namespace

uint64_t ZygoteCapabilities(bool sandboxes_share_user_namespace) {
  return Bit(CAP_SYS_ADMIN) | Bit(CAP_SETUID) | Bit(CAP_SETGID) |
         Bit(CAP_SETPCAP) |
         (sandboxes_share_user_namespace ? Bit(CAP_NET_ADMIN) : 0);
}

Outcome BoundCapabilities(uint64_t kept) {
  for (int capability = 0; capability < kCapabilityNumbers; ++capability) {
    if ((kept & Bit(capability)) != 0) continue;
    if (prctl(PR_CAPBSET_DROP, capability) == 0) continue;
    // The number after the last one that the kernel knows.
    if (errno == EINVAL) return {};
    return Failed("drop a capability from the bounding set");
  }
  return {};
}

Outcome BecomeUser(uid_t uid) {
  uint64_t permitted;
  SO_RETURN_IF_FAILED(GetPermitted(permitted));
  SO_RETURN_IF_FAILED(Check(prctl(PR_SET_KEEPCAPS, 1), "keep capabilities"));
  // The system calls themselves: the C library would tell its other threads,
  // which a forked runtime no longer has.
  SO_RETURN_IF_FAILED(
      Check(syscall(SYS_setgroups, 0, nullptr), "leave all groups"));
  SO_RETURN_IF_FAILED(
      Check(syscall(SYS_setresgid, uid, uid, uid), "set group"));
  SO_RETURN_IF_FAILED(Check(syscall(SYS_setresuid, uid, uid, uid), "set user"));
  return SetCapabilities(permitted, "raise capabilities");
}

Outcome DropPrivileges() {
  SO_RETURN_IF_FAILED(BoundCapabilities(0));
  SO_RETURN_IF_FAILED(
      Check(prctl(PR_SET_SECUREBITS,
                  SECURE_ALL_BITS | SECURE_ALL_LOCKS |
                      issecure_mask(SECURE_NO_CAP_AMBIENT_RAISE) |
                      issecure_mask(SECURE_NO_CAP_AMBIENT_RAISE_LOCKED)),
            "set securebits"));
  SO_RETURN_IF_FAILED(SetCapabilities(0, "drop capabilities"));
  SO_RETURN_IF_FAILED(
      Check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs"));
  // A change of credentials may have made it undumpable: its own /proc would be
  // closed to it.
  SO_RETURN_IF_FAILED(Check(prctl(PR_SET_DUMPABLE, 1), "dumpable"));
  return Check(prctl(PR_SET_PDEATHSIG, SIGKILL), "pdeathsig");
}

}  // namespace so::isolation
