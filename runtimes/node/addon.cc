// The native half of the node zygote. Only the stable Node-API is used, so that
// one binary serves every version of node.
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <iterator>

#include "runtimes/native/end_on_sigterm.h"
#include "runtimes/node/event_loop.h"
#include "runtimes/node/worker_threads.h"
#include "sandbox/isolation/zygote.h"

namespace so::runtimes {
namespace {

// Of the runtime contract.
constexpr int kChannelFd = 3;

napi_value Throw(napi_env env, const char* message) {
  napi_throw_error(env, nullptr, message);
  return nullptr;
}

// V8 asks the kernel to leave its heap out of forks. Nothing allocates between
// forks, so once is enough.
bool LetHeapBeForked() {
  std::FILE* maps = std::fopen("/proc/self/maps", "re");
  if (maps == nullptr) return false;
  char line[4096];
  while (std::fgets(line, sizeof(line), maps) != nullptr) {
    uintptr_t begin = 0, end = 0;
    unsigned long inode = 0;
    int name = 0;
    const int fields = std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %lu %n",
                                   &begin, &end, &inode, &name);
    // The heap is memory without a file or a name.
    if (fields < 3 || inode != 0 || line[name] != '\0') continue;
    madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DOFORK);
  }
  std::fclose(maps);
  return true;
}

// Whether this is a fork of the zygote.
bool forked = false;

// The ordinary end of node waits for threads that a fork does not have.
void LeaveFork(void*) {
  if (forked) _exit(0);
}

// OpenSSL knows a fork by its new pid, and both the zygote and its child may be
// the first process of their namespaces.
bool ReseedCiphers() {
  const auto add = reinterpret_cast<void (*)(const void*, int, double)>(
      dlsym(RTLD_DEFAULT, "RAND_add"));
  unsigned char seed[32];
  if (add == nullptr || getrandom(seed, sizeof(seed), 0) != sizeof(seed)) return false;
  add(seed, sizeof(seed), sizeof(seed));
  return true;
}

// serve(): returns in each child, see ServeZygote.
napi_value Serve(napi_env env, napi_callback_info) {
  uv_loop_s* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return Throw(env, "no event loop");
  if (!LetHeapBeForked()) return Throw(env, "no /proc/self/maps");
  napi_add_env_cleanup_hook(env, &LeaveFork, nullptr);
  EventLoopFork event_loop(loop);
  so::isolation::ServeZygote({});
  forked = true;
  event_loop.Revive();
  if (!ReseedCiphers()) return Throw(env, "this node has no OpenSSL to seed");
  // libuv expects it of what it reads.
  fcntl(kChannelFd, F_SETFL, O_NONBLOCK);
  EndOnSigterm();
  return nullptr;
}

// A descriptor that is another file for a while.
class Borrowed {
 public:
  Borrowed(int fd, int file)
      : fd_(fd), flags_(fcntl(fd, F_GETFD)), saved_(fcntl(fd, F_DUPFD_CLOEXEC, 0)) {
    dup2(file, fd);
    close(file);
  }
  ~Borrowed() {
    dup2(saved_, fd_);
    fcntl(fd_, F_SETFD, flags_);
    close(saved_);
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;

 private:
  const int fd_;
  const int flags_;
  const int saved_;
};

// likeInstance(callback): calls it while descriptors 1 to 3 are of the kinds that
// they are in an instance, so that it can make the streams for them.
napi_value LikeInstance(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value callback = nullptr, global = nullptr, result = nullptr;
  napi_get_cb_info(env, info, &count, &callback, nullptr, nullptr);
  napi_get_global(env, &global);
  int output[2], channel[2];
  if (pipe2(output, O_CLOEXEC) < 0 ||
      socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0) {
    return Throw(env, "no descriptors");
  }
  {
    Borrowed out(STDOUT_FILENO, dup(output[1]));
    Borrowed err(STDERR_FILENO, output[1]);
    Borrowed contract(kChannelFd, channel[1]);
    napi_call_function(env, global, callback, 0, nullptr, &result);
  }
  close(output[0]);
  close(channel[0]);
  return result;
}

// exit(code): ends the process at once.
napi_value Exit(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument = nullptr;
  int32_t code = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (count > 0) napi_get_value_int32(env, argument, &code);
  _exit(code & 0xff);
}

// fillRandom(typedArray): from the kernel's generator, without a thread.
napi_value FillRandom(napi_env env, napi_callback_info info) {
  size_t count = 1, bytes = 0;
  napi_value argument = nullptr, buffer = nullptr;
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (napi_get_typedarray_info(env, argument, nullptr, nullptr, nullptr, &buffer, nullptr) != napi_ok ||
      napi_get_arraybuffer_info(env, buffer, &data, &bytes) != napi_ok ||
      getrandom(data, bytes, 0) != static_cast<ssize_t>(bytes)) {
    return Throw(env, "no random numbers");
  }
  return argument;
}

// ids(): the process and its parent.
napi_value Ids(napi_env env, napi_callback_info) {
  napi_value ids = nullptr, pid = nullptr, ppid = nullptr;
  napi_create_object(env, &ids);
  napi_create_int32(env, getpid(), &pid);
  napi_create_int32(env, getppid(), &ppid);
  napi_set_named_property(env, ids, "pid", pid);
  napi_set_named_property(env, ids, "ppid", ppid);
  return ids;
}

// socketPair(): two descriptors that are each other's other end.
napi_value SocketPair(napi_env env, napi_callback_info) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
    return Throw(env, "no socket pair");
  }
  napi_value pair = nullptr;
  napi_create_array_with_length(env, 2, &pair);
  for (uint32_t i = 0; i < 2; ++i) {
    napi_value fd = nullptr;
    napi_create_int32(env, ends[i], &fd);
    napi_set_element(env, pair, i, fd);
  }
  return pair;
}

// limitHeap(bytes): lowers what V8 believes it may use. Whether this node could.
//
// The flag for it counts only while node starts; V8's own interface takes effect
// at any time, but is not part of Node-API and so is looked up.
napi_value LimitHeap(napi_env env, napi_callback_info info) {
  using Callback = size_t (*)(void*, size_t, size_t);
  const auto current = reinterpret_cast<void* (*)()>(
      dlsym(RTLD_DEFAULT, "_ZN2v87Isolate10GetCurrentEv"));
  const auto add = reinterpret_cast<void (*)(void*, Callback, void*)>(
      dlsym(RTLD_DEFAULT, "_ZN2v87Isolate24AddNearHeapLimitCallbackEPFmPvmmES1_"));
  const auto remove = reinterpret_cast<void (*)(void*, Callback, size_t)>(
      dlsym(RTLD_DEFAULT, "_ZN2v87Isolate27RemoveNearHeapLimitCallbackEPFmPvmmEm"));
  size_t count = 1;
  napi_value argument = nullptr, done = nullptr;
  int64_t bytes = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  const bool able = current != nullptr && add != nullptr && remove != nullptr &&
                    napi_get_value_int64(env, argument, &bytes) == napi_ok && bytes > 0;
  if (able) {
    const Callback keep = [](void*, size_t limit, size_t) { return limit; };
    // Taking a callback away is what may set another limit.
    add(current(), keep, nullptr);
    remove(current(), keep, static_cast<size_t>(bytes));
  }
  napi_get_boolean(env, able, &done);
  return done;
}

napi_value Init(napi_env env, napi_value exports) {
  if (!PretendNoWorkerThreads()) {
    return Throw(env, "this node cannot be forked: its platform is not the known one");
  }
  const struct {
    const char* name;
    napi_callback call;
  } functions[] = {{"serve", &Serve},           {"exit", &Exit},
                   {"likeInstance", &LikeInstance},
                   {"fillRandom", &FillRandom}, {"ids", &Ids},
                   {"socketPair", &SocketPair}, {"limitHeap", &LimitHeap}};
  for (const auto& function : functions) {
    napi_value value = nullptr;
    napi_create_function(env, function.name, NAPI_AUTO_LENGTH, function.call, nullptr, &value);
    napi_set_named_property(env, exports, function.name, value);
  }
  return exports;
}

}  // namespace
}  // namespace so::runtimes

NAPI_MODULE(so_sandbox, so::runtimes::Init)
