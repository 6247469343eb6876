#include "sandbox/isolation/syscall_table.h"

namespace so::isolation {
namespace {

constexpr const char* kAllowed[] = {
    // Files and directories. Those that take a mode are in the filter.
    "access", "chdir", "chown", "close", "close_range", "copy_file_range",
    "dup", "dup2", "dup3", "faccessat", "faccessat2", "fadvise64", "fallocate",
    "fchdir", "fchown", "fchownat", "fcntl", "fdatasync", "fgetxattr",
    "flistxattr", "flock", "fremovexattr", "fsetxattr", "fstat", "fstatfs",
    "fsync", "ftruncate", "futimesat", "getcwd", "getdents", "getdents64",
    "getxattr", "inotify_add_watch", "inotify_init", "inotify_init1",
    "inotify_rm_watch", "ioctl", "lchown", "lgetxattr", "link", "linkat",
    "listxattr", "llistxattr", "lremovexattr", "lseek", "lsetxattr", "lstat",
    "mkdir", "mkdirat", "newfstatat", "pipe", "pipe2", "pread64", "preadv",
    "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readahead",
    "readlink", "readlinkat", "readv", "removexattr", "rename", "renameat",
    "renameat2", "rmdir", "sendfile", "setxattr", "splice", "stat", "statfs",
    "statx", "symlink", "symlinkat", "sync", "sync_file_range", "syncfs", "tee",
    "truncate", "umask", "unlink", "unlinkat", "utime", "utimensat", "utimes",
    "vmsplice", "write", "writev",
    // Memory.
    "brk", "get_mempolicy", "madvise", "mbind", "membarrier", "memfd_create",
    "mincore", "mlock", "mlock2", "mlockall", "mmap", "mprotect", "mremap",
    "msync", "munlock", "munlockall", "munmap", "pkey_alloc", "pkey_free",
    "pkey_mprotect", "remap_file_pages", "set_mempolicy",
    // Waiting.
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old",
    "epoll_pwait", "epoll_pwait2", "epoll_wait", "epoll_wait_old", "eventfd",
    "eventfd2", "futex", "futex_waitv", "poll", "ppoll", "pselect6", "select",
    // Processes and threads. clone is in the filter, by its flags.
    "arch_prctl", "execve", "execveat", "exit", "exit_group", "fork",
    "get_robust_list", "get_thread_area", "getpgid", "getpgrp", "getpid",
    "getppid", "getsid", "gettid", "pidfd_open", "pidfd_send_signal", "prctl",
    "prlimit64", "restart_syscall", "rseq", "set_robust_list",
    "set_thread_area", "set_tid_address", "setpgid", "setsid", "vfork", "wait4",
    "waitid", "waitpid",
    // Scheduling and use of resources.
    "getcpu", "getpriority", "getrlimit", "getrusage", "ioprio_get",
    "ioprio_set", "sched_get_priority_max", "sched_get_priority_min",
    "sched_getaffinity", "sched_getattr", "sched_getparam",
    "sched_getscheduler", "sched_rr_get_interval", "sched_setaffinity",
    "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield",
    "setpriority", "setrlimit", "sysinfo", "times",
    // Users. Without capabilities they can only name the one there is.
    "capget", "capset", "getegid", "geteuid", "getgid", "getgroups",
    "getresgid", "getresuid", "getuid", "setfsgid", "setfsuid", "setgid",
    "setgroups", "setregid", "setresgid", "setresuid", "setreuid", "setuid",
    // Signals and timers.
    "alarm", "clock_getres", "clock_gettime", "clock_nanosleep", "getitimer",
    "gettimeofday", "kill", "nanosleep", "pause", "rt_sigaction",
    "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn",
    "rt_sigsuspend", "rt_sigtimedwait", "rt_tgsigqueueinfo", "setitimer",
    "sigaltstack", "signalfd", "signalfd4", "tgkill", "time", "timer_create",
    "timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime",
    "timerfd_create", "timerfd_gettime", "timerfd_settime", "tkill",
    // Sockets. socket and socketpair are in the filter, by their family.
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname",
    "getsockopt", "listen", "recvfrom", "recvmmsg", "recvmsg", "sendmmsg",
    "sendmsg", "sendto", "setsockopt", "shutdown",
    // Shared memory and semaphores, in the sandbox's own ipc namespace.
    "semctl", "semget", "semop", "semtimedop", "shmat", "shmctl", "shmdt",
    "shmget", "msgctl", "msgget", "msgrcv", "msgsnd", "mq_getsetattr",
    "mq_notify", "mq_open", "mq_timedreceive", "mq_timedsend", "mq_unlink",
    // The rest. Landlock and seccomp only ever restrict further.
    "getrandom", "landlock_add_rule", "landlock_create_ruleset",
    "landlock_restrict_self", "uname"};

constexpr const char* kDenied[] = {
    // The file tree.
    "chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mknod", "mknodat",
    "mount", "mount_setattr", "move_mount", "name_to_handle_at",
    "open_by_handle_at", "open_tree", "pivot_root", "quotactl", "quotactl_fd",
    "swapoff", "swapon", "umount", "umount2", "uselib",
    // Namespaces.
    "setdomainname", "sethostname", "setns", "unshare",
    // Other processes.
    "kcmp", "migrate_pages", "move_pages", "pidfd_getfd", "process_madvise",
    "process_mrelease", "process_vm_readv", "process_vm_writev", "ptrace",
    "set_mempolicy_home_node",
    // Large or young parts of the kernel.
    "add_key", "bpf", "fanotify_init", "fanotify_mark", "io_cancel",
    "io_destroy", "io_getevents", "io_pgetevents", "io_setup", "io_submit",
    "io_uring_enter", "io_uring_register", "io_uring_setup", "keyctl",
    "lookup_dcookie", "memfd_secret", "perf_event_open", "request_key",
    "userfaultfd",
    // The machine.
    "_sysctl", "acct", "adjtimex", "clock_adjtime", "clock_settime",
    "create_module", "delete_module", "finit_module", "get_kernel_syms",
    "init_module", "ioperm", "iopl", "kexec_file_load", "kexec_load",
    "modify_ldt", "nfsservctl", "query_module", "reboot", "settimeofday",
    "stime", "sysfs", "syslog", "ustat", "vhangup", "vserver"};

constexpr int kAllowedNumbers[] = {
    451,  // cachestat
    454,  // futex_wake
    455,  // futex_wait
    456,  // futex_requeue
    462,  // mseal
};

}  // namespace

std::span<const char* const> AllowedSyscalls() { return kAllowed; }
std::span<const char* const> DeniedSyscalls() { return kDenied; }
std::span<const int> AllowedSyscallNumbers() { return kAllowedNumbers; }

}  // namespace so::isolation
