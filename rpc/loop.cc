#include "rpc/loop.h"

#include <pthread.h>

namespace so {

RpcLoop::RpcLoop()
    : queue_(builder_.AddCompletionQueue()), thread_([this] { Run(); }) {}

RpcLoop::~RpcLoop() {
  queue_->Shutdown();
  thread_.join();
}

void RpcLoop::Run() {
  pthread_setname_np(pthread_self(), "rpc");
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) static_cast<RpcEvent*>(tag)->Complete(ok);
}

}  // namespace so
