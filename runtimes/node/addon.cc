// The native half of the node zygote, for every version of node: it uses
// Node-API, and looks for the little else by name.
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtimes/native/end_on_sigterm.h"
#include "runtimes/native/huge_pages.h"
#include "runtimes/node/descriptors.h"
#include "runtimes/node/event_loop.h"
#include "runtimes/node/heap.h"
#include "runtimes/node/node_api.h"
#include "runtimes/node/worker_threads.h"
#include "sandbox/isolation/zygote.h"

namespace so::runtimes {
namespace {

napi_value Throw(napi_env env, const char* message) {
  napi_throw_error(env, nullptr, message);
  return nullptr;
}

// The only argument of a call.
napi_value Argument(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument = nullptr;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  return argument;
}

// Whether this is a fork of the zygote.
bool forked = false;

// The ordinary end of node waits for threads that a fork does not have.
void LeaveFork(void*) {
  if (forked) _exit(0);
}

// Of OpenSSL; looked for in the zygote, because that takes time.
const auto add_randomness =
    reinterpret_cast<void (*)(const void*, int, double)>(
        dlsym(RTLD_DEFAULT, "RAND_add"));

// OpenSSL knows a fork by its new pid, and both the zygote and its child may be
// the first process of their namespaces.
bool ReseedCiphers() {
  unsigned char seed[32];
  if (add_randomness == nullptr ||
      getrandom(seed, sizeof(seed), 0) != sizeof(seed)) {
    return false;
  }
  add_randomness(seed, sizeof(seed), sizeof(seed));
  return true;
}

// serve(): returns in each child, see ServeZygote.
napi_value Serve(napi_env env, napi_callback_info) {
  uv_loop_s* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) {
    return Throw(env, "no event loop");
  }
  napi_add_env_cleanup_hook(env, &LeaveFork, nullptr);
  EventLoopFork event_loop(loop);
  // Nothing is to be put back in order in each child.
  malloc_trim(0);
  UseHugePages();
  if (!LetHeapBeForked()) return Throw(env, "no /proc/self/maps");
  so::isolation::ServeZygote({});
  forked = true;
  event_loop.Revive();
  if (!ReseedCiphers()) return Throw(env, "no OpenSSL to seed");
  // libuv expects it of what it reads.
  fcntl(kChannelFd, F_SETFL, O_NONBLOCK);
  EndOnSigterm();
  return nullptr;
}

// likeInstance(callback): calls it while descriptors 1 to 3 are like those of
// an instance, so that it can make the streams for them.
napi_value LikeInstance(napi_env env, napi_callback_info info) {
  const napi_value callback = Argument(env, info);
  napi_value global = nullptr, result = nullptr;
  napi_get_global(env, &global);
  const InstanceDescriptors descriptors;
  if (!descriptors.ok()) return Throw(env, "no descriptors");
  napi_call_function(env, global, callback, 0, nullptr, &result);
  return result;
}

// exit(code): ends the process at once.
napi_value Exit(napi_env env, napi_callback_info info) {
  int32_t code = 0;
  napi_get_value_int32(env, Argument(env, info), &code);
  _exit(code & 0xff);
}

// fillRandom(int32Array): from the kernel's generator, without a thread.
napi_value FillRandom(napi_env env, napi_callback_info info) {
  const napi_value array = Argument(env, info);
  size_t length = 0;
  void* data = nullptr;
  napi_typedarray_type type{};
  napi_get_typedarray_info(env, array, &type, &length, &data, nullptr, nullptr);
  const size_t bytes = length * sizeof(int32_t);
  if (type != napi_int32_array ||
      getrandom(data, bytes, 0) != static_cast<ssize_t>(bytes)) {
    return Throw(env, "no random numbers");
  }
  return array;
}

// An array of two numbers.
napi_value MakePair(napi_env env, const int (&numbers)[2]) {
  napi_value pair = nullptr;
  napi_create_array_with_length(env, 2, &pair);
  for (uint32_t i = 0; i < 2; ++i) {
    napi_value number = nullptr;
    napi_create_int32(env, numbers[i], &number);
    napi_set_element(env, pair, i, number);
  }
  return pair;
}

// ids(): the process and its parent.
napi_value Ids(napi_env env, napi_callback_info) {
  return MakePair(env, {getpid(), getppid()});
}

// socketPair(): two descriptors that are each other's other end.
napi_value SocketPair(napi_env env, napi_callback_info) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
    return Throw(env, "no socket pair");
  }
  return MakePair(env, ends);
}

// limitHeap(bytes): whether this node could.
napi_value SetHeapLimit(napi_env env, napi_callback_info info) {
  int64_t bytes = 0;
  napi_get_value_int64(env, Argument(env, info), &bytes);
  napi_value done = nullptr;
  napi_get_boolean(env, bytes > 0 && LimitHeap(static_cast<size_t>(bytes)),
                   &done);
  return done;
}

}  // namespace
}  // namespace so::runtimes

// What node calls when it loads the addon.
extern "C" __attribute__((visibility("default"))) napi_value
napi_register_module_v1(napi_env env, napi_value exports) {
  using namespace so::runtimes;  // NOLINT
  if (!PretendNoWorkerThreads()) {
    return Throw(env, "this node cannot be forked: its platform is unknown");
  }
  const struct {
    const char* name;
    napi_callback call;
  } functions[] = {{"serve", &Serve},
                   {"likeInstance", &LikeInstance},
                   {"exit", &Exit},
                   {"fillRandom", &FillRandom},
                   {"ids", &Ids},
                   {"socketPair", &SocketPair},
                   {"limitHeap", &SetHeapLimit}};
  for (const auto& function : functions) {
    napi_value value = nullptr;
    napi_create_function(env, function.name, kNapiAutoLength, function.call,
                         nullptr, &value);
    napi_set_named_property(env, exports, function.name, value);
  }
  return exports;
}
