#pragma once

#include <deque>

#include "services/pool/code_store.h"

namespace so {

// Brings the code of functions to this node, built if need be, before anybody
// calls them, a few at a time. What fails is left to the first call. For the
// loop thread.
class Prefetcher {
 public:
  explicit Prefetcher(CodeStore& store) : store_(store) {}
  void Add(FunctionPtr function);

 private:
  void Next();

  CodeStore& store_;
  std::deque<FunctionPtr> waiting_;
  int in_flight_ = 0;
};

}  // namespace so
