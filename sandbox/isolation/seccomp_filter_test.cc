#include "sandbox/isolation/seccomp_filter.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <set>
#include <string>

#include "gtest/gtest.h"
#include "sandbox/isolation/syscall_table.h"

namespace so::isolation {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kThisArchitecture = AUDIT_ARCH_X86_64;
constexpr uint32_t kForeignArchitecture = AUDIT_ARCH_I386;
#elif defined(__aarch64__)
constexpr uint32_t kThisArchitecture = AUDIT_ARCH_AARCH64;
constexpr uint32_t kForeignArchitecture = AUDIT_ARCH_ARM;
#endif

constexpr uint32_t kRefused = SECCOMP_RET_ERRNO | EPERM;
constexpr uint32_t kUnknown = SECCOMP_RET_ERRNO | ENOSYS;
constexpr uint32_t kNoFamily = SECCOMP_RET_ERRNO | EAFNOSUPPORT;

// Runs a classic BPF program as the kernel does, as far as filters use it.
uint32_t Evaluate(const std::vector<sock_filter>& program,
                  const seccomp_data& data) {
  uint32_t accumulator = 0;
  for (size_t at = 0; at < program.size(); ++at) {
    const sock_filter& op = program[at];
    bool taken = false;
    switch (op.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + op.k,
                    sizeof(accumulator));
        continue;
      case BPF_ALU | BPF_AND | BPF_K:
        accumulator &= op.k;
        continue;
      case BPF_RET | BPF_K:
        return op.k;
      case BPF_JMP | BPF_JA:
        at += op.k;
        continue;
      case BPF_JMP | BPF_JEQ | BPF_K:
        taken = accumulator == op.k;
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        taken = accumulator > op.k;
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        taken = accumulator >= op.k;
        break;
      default:
        ADD_FAILURE() << "unknown instruction " << op.code;
        return SECCOMP_RET_KILL_PROCESS;
    }
    at += taken ? op.jt : op.jf;
  }
  ADD_FAILURE() << "the program has no end";
  return SECCOMP_RET_KILL_PROCESS;
}

class SeccompFilterTest : public testing::Test {
 protected:
  void SetUp() override {
    const Outcome outcome = SeccompFilter::Build(filter_);
    ASSERT_TRUE(outcome.ok()) << outcome.step << ' ' << outcome.error;
  }

  uint32_t On(long number, std::initializer_list<uint64_t> arguments = {},
              uint32_t architecture = kThisArchitecture) const {
    seccomp_data data = {};
    data.nr = static_cast<int>(number);
    data.arch = architecture;
    size_t i = 0;
    for (const uint64_t argument : arguments) data.args[i++] = argument;
    return Evaluate(filter_.program(), data);
  }

  SeccompFilter filter_;
};

TEST_F(SeccompFilterTest, EverydayCallsAreAllowed) {
  for (const long number :
       {SYS_read, SYS_write, SYS_mmap, SYS_futex, SYS_execve, SYS_epoll_pwait,
        SYS_getrandom, SYS_connect, SYS_kill, SYS_prctl, SYS_ioctl}) {
    EXPECT_EQ(On(number), SECCOMP_RET_ALLOW) << number;
  }
}

TEST_F(SeccompFilterTest, CallsBeyondTheSandboxAreRefused) {
  for (const long number : {SYS_mount,
                            SYS_umount2,
                            SYS_pivot_root,
                            SYS_chroot,
                            SYS_unshare,
                            SYS_setns,
                            SYS_ptrace,
                            SYS_process_vm_readv,
                            SYS_process_vm_writev,
                            SYS_pidfd_getfd,
                            SYS_kcmp,
                            SYS_bpf,
                            SYS_perf_event_open,
                            SYS_userfaultfd,
                            SYS_io_uring_setup,
                            SYS_keyctl,
                            SYS_add_key,
                            SYS_request_key,
                            SYS_open_by_handle_at,
                            SYS_name_to_handle_at,
                            SYS_fanotify_init,
                            SYS_quotactl,
                            SYS_swapon,
                            SYS_init_module,
                            SYS_finit_module,
                            SYS_kexec_load,
                            SYS_reboot,
                            SYS_syslog,
                            SYS_clock_settime,
                            SYS_settimeofday,
                            SYS_mknodat,
                            SYS_sethostname,
                            SYS_move_mount,
                            SYS_open_tree,
                            SYS_fsopen,
                            SYS_mount_setattr}) {
    EXPECT_EQ(On(number), kRefused) << number;
  }
}

TEST_F(SeccompFilterTest, UnknownCallsDoNotExist) {
  EXPECT_EQ(On(SYS_clone3), kUnknown);
  EXPECT_EQ(On(SYS_openat2), kUnknown);
  EXPECT_EQ(On(999), kUnknown);
}

TEST_F(SeccompFilterTest, ForeignArchitecturesKill) {
  EXPECT_EQ(On(SYS_read, {}, kForeignArchitecture), SECCOMP_RET_KILL_PROCESS);
#if defined(__x86_64__)
  constexpr long kX32 = 0x40000000;
  EXPECT_EQ(On(kX32 | SYS_read), SECCOMP_RET_KILL_PROCESS);
#endif
}

TEST_F(SeccompFilterTest, CloneMakesNoNamespaces) {
  EXPECT_EQ(On(SYS_clone, {SIGCHLD}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(On(SYS_clone, {CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                           CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS}),
            SECCOMP_RET_ALLOW);
  for (const int flag : {CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET,
                         CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP}) {
    EXPECT_EQ(On(SYS_clone, {static_cast<uint32_t>(flag) | SIGCHLD}), kRefused)
        << flag;
  }
  EXPECT_EQ(On(SYS_clone, {CLONE_NEWNS | CLONE_NEWUSER}), kRefused);
}

TEST_F(SeccompFilterTest, OnlyThreeSocketFamiliesExist) {
  const std::set<uint64_t> allowed = {AF_UNIX, AF_INET, AF_INET6};
  for (const long call : {SYS_socket, SYS_socketpair}) {
    for (uint64_t family = 0; family < 300; ++family) {
      EXPECT_EQ(On(call, {family}),
                allowed.contains(family) ? SECCOMP_RET_ALLOW : kNoFamily)
          << family;
    }
    EXPECT_EQ(On(call, {0xfffffff2}), kNoFamily);
    // The kernel looks at the lower half only.
    EXPECT_EQ(On(call, {0x700000000 | AF_VSOCK}), kNoFamily);
  }
}

TEST_F(SeccompFilterTest, PersonalityStaysTheNormalOne) {
  EXPECT_EQ(On(SYS_personality, {0}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(On(SYS_personality, {0x0040000}), kRefused);
  EXPECT_EQ(On(SYS_personality, {0xffffffff}), kRefused);
}

TEST_F(SeccompFilterTest, FiltersHaveNoListeners) {
  EXPECT_EQ(On(SYS_seccomp, {SECCOMP_SET_MODE_FILTER, 0}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(On(SYS_seccomp,
               {SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER}),
            kRefused);
}

TEST_F(SeccompFilterTest, NoFileChangesTheUserOfWhoExecutesIt) {
  const uint64_t name = 0x7ffe00001000;
  for (const uint64_t mode : {04755, 02755, 06700}) {
    EXPECT_EQ(On(SYS_fchmod, {5, mode}), kRefused) << mode;
    EXPECT_EQ(On(SYS_fchmodat, {5, name, mode}), kRefused) << mode;
    EXPECT_EQ(On(SYS_openat, {5, name, O_WRONLY | O_CREAT, mode}), kRefused);
    EXPECT_EQ(On(SYS_openat, {5, name, O_RDWR | O_TMPFILE, mode}), kRefused);
    // Without a new file the mode is whatever was in the register.
    EXPECT_EQ(On(SYS_openat, {5, name, O_RDWR | O_DIRECTORY, mode}),
              SECCOMP_RET_ALLOW);
  }
  EXPECT_EQ(On(SYS_fchmod, {5, 01777}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(On(SYS_fchmodat, {5, name, 0755}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(On(SYS_openat, {5, name, O_WRONLY | O_CREAT, 0644}),
            SECCOMP_RET_ALLOW);
  EXPECT_EQ(On(SYS_openat, {5, name, O_RDONLY, ~uint64_t{0}}),
            SECCOMP_RET_ALLOW);
}

TEST(SyscallTableTest, NoCallIsBothAllowedAndDenied) {
  std::set<std::string> names;
  for (const char* name : AllowedSyscalls()) {
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  for (const char* name : DeniedSyscalls()) {
    EXPECT_TRUE(names.insert(name).second) << name;
  }
}

}  // namespace
}  // namespace so::isolation
